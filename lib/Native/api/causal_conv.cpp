// A depthwise convolution over the past, channels last, optionally followed by silu.
#include "kernels/causal_conv.h"

#include "api/abi.h"

namespace {

using namespace patchkit::kernels;
using patchkit::api::run_floating;

struct View {  // (batch, length, channels) whose channels are contiguous; strides count elements; absent where data is null
  void* data;
  int64_t batch, row;

  template <class T>
  Sequence<T> as() const {
    return {static_cast<T*>(data), batch, row};
  }
};

struct Call {
  int64_t batch, length, channels, width;
  int32_t silu, type, threads, unused;
  View x, initial, out;
  void *weight, *bias;
  View grad_out, grad_x, grad_initial;
  void *grad_weight, *grad_bias;

  ConvShape shape() const { return {batch, length, channels, width, silu != 0, threads}; }
};

}  // namespace

PK_API int32_t pk_causal_conv_forward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return causal_conv_forward<T>(call->shape(), call->x.as<const T>(), static_cast<const T*>(call->weight),
                                  static_cast<const T*>(call->bias), call->initial.as<const T>(), call->out.as<T>());
  });
}

PK_API int32_t pk_causal_conv_backward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return causal_conv_backward<T>(call->shape(), call->x.as<const T>(), static_cast<const T*>(call->weight),
                                   static_cast<const T*>(call->bias), call->initial.as<const T>(),
                                   call->grad_out.as<const T>(), call->grad_x.as<T>(), static_cast<T*>(call->grad_weight),
                                   static_cast<T*>(call->grad_bias), call->grad_initial.as<T>());
  });
}
