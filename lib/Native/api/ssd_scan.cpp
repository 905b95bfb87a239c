// The Mamba-2 selective scan.
#include "kernels/ssd_scan.h"

#include "api/abi.h"
#include "api/calls.h"

namespace {

using namespace patchkit::kernels;
using namespace patchkit::api;

using Call = SsdScanCall;

SsdShape shape(const Call& call) {
  return {call.batch, call.length, call.heads, call.groups, call.head_dim, call.state_dim, call.chunk};
}

template <class E>
struct Typed {
  using T = Arithmetic<E>;
  const Call& call;

  static T* number(void* data) { return static_cast<T*>(data); }

  SsdInputs<E> inputs() const {
    SsdInputs<E> in;
    in.x = call.x.as<TokenView<const E>>();
    in.dt = call.dt.as<TokenView<const T>>();
    in.A = number(call.A);
    in.B = call.B.as<TokenView<const E>>();
    in.C = call.C.as<TokenView<const E>>();
    in.D = number(call.D);
    in.D_per_feature = call.D_per_feature != 0;
    in.z = call.z.as<TokenView<const E>>();
    in.dt_bias = number(call.dt_bias);
    in.initial_state = number(call.initial_state);
    in.dt_softplus = call.dt_softplus != 0;
    return in;
  }

  bool forward() const {
    SsdOutputs<E> out;
    out.y = call.y.as<TokenView<E>>();
    out.final_state = number(call.final_state);
    out.chunk_states = number(call.chunk_states);
    return ssd_scan_forward<E>(shape(call), inputs(), out, call.threads);
  }

  bool backward() const {
    SsdGradients<E> grads;
    grads.x = call.grad_x.as<TokenView<E>>();
    grads.z = call.grad_z.as<TokenView<E>>();
    grads.dt = number(call.grad_dt);
    grads.A = number(call.grad_A);
    grads.B = number(call.grad_B);
    grads.C = number(call.grad_C);
    grads.D = number(call.grad_D);
    grads.initial_state = number(call.grad_initial_state);
    return ssd_scan_backward<E>(shape(call), inputs(), call.grad_y.as<TokenView<const E>>(),
                                number(call.grad_final_state), number(call.chunk_states), grads, call.threads);
  }
};

// body(call as the type has it)
template <class Body>
auto typed(const Call& call, Body&& body) {
  switch (call.type) {
    case float64: return body(Typed<double>{call});
    case Type::bfloat16: return body(Typed<patchkit::kernels::bfloat16>{call});
    default: return body(Typed<float>{call});
  }
}

template <class E>
int64_t states_size(const Typed<E>& call) {
  return ssd_chunk_states_size<E>(shape(call.call));
}

}  // namespace

// Numbers of float32, or float64 for a float64 x, that backward needs of the states at the chunks' beginnings.
PK_API int64_t pk_ssd_scan_states_size(const Call* call) {
  return typed(*call, [](const auto& typed) { return states_size(typed); });
}

PK_API int32_t pk_ssd_scan_forward(const Call* call) {
  return run([&] { return typed(*call, [](const auto& typed) { return typed.forward(); }); });
}

PK_API int32_t pk_ssd_scan_backward(const Call* call) {
  return run([&] { return typed(*call, [](const auto& typed) { return typed.backward(); }); });
}
