// patchkit::ssd_scan: the Mamba-2 selective scan.
//
// A device takes part by registering _ssd_scan_forward and _ssd_scan_backward for its key.

#include "../kernels/ssd_scan.h"

#include <torch/csrc/autograd/autograd_not_implemented_fallback.h>

#include <tuple>
#include <type_traits>

#include "support.h"

namespace patchkit::ops {
namespace {

// The tensors of one call; absent ones are undefined.
struct Arguments {
  Tensor x, dt, A, B, C, D, z, dt_bias, initial_state;
};

struct Options {
  bool dt_softplus;
  int64_t chunk_size;
};

using ForwardResult = std::tuple<Tensor, Tensor, Tensor>;
using BackwardResult = std::tuple<Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor>;

using ForwardSignature = ForwardResult(const Tensor&, const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                       const Optional<Tensor>&, const Optional<Tensor>&, const Optional<Tensor>&,
                                       const Optional<Tensor>&, bool, int64_t, bool);
using BackwardSignature = BackwardResult(const Tensor&, const Optional<Tensor>&, const Tensor&, const Tensor&,
                                         const Tensor&, const Tensor&, const Tensor&, const Tensor&,
                                         const Optional<Tensor>&, const Optional<Tensor>&, const Optional<Tensor>&,
                                         const Optional<Tensor>&, bool, int64_t);

// ---------------------------------------------------------------- what a call must look like

void check_sizes(const char* name, const Tensor& tensor, at::IntArrayRef expected, const char* meaning) {
  TORCH_CHECK(tensor.sizes() == expected, "patchkit::ssd_scan: ", name, " has shape ", tensor.sizes(),
              " but x asks for ", expected, " = ", meaning, "; reshape ", name, " or check that it belongs to this x.");
}

void check_same_dtype(const char* name, const Tensor& tensor, const Tensor& x) {
  TORCH_CHECK(tensor.scalar_type() == x.scalar_type(), "patchkit::ssd_scan: ", name, " is ", tensor.scalar_type(),
              " but x is ", x.scalar_type(), "; convert one of them so that both match.");
}

void check_same_device(const char* name, const Tensor& tensor, const Tensor& x) {
  TORCH_CHECK(!tensor.defined() || tensor.device() == x.device(), "patchkit::ssd_scan: ", name, " is on ",
              tensor.device(), " but x is on ", x.device(), "; move ", name, " to ", x.device(), ".");
}

void check_floating(const char* name, const Tensor& tensor) {
  TORCH_CHECK(!tensor.defined() || at::isFloatingType(tensor.scalar_type()), "patchkit::ssd_scan: ", name, " is ",
              tensor.scalar_type(), " but a floating dtype is needed; convert it to float32.");
}

void check_arguments(const Arguments& a, const Options& options) {
  const Tensor& x = a.x;
  TORCH_CHECK(x.dim() == 4, "patchkit::ssd_scan: x has ", x.dim(), " dimensions ", x.sizes(),
              " but 4 = (batch, length, heads, head_dim) are needed; reshape x.");
  TORCH_CHECK(a.B.dim() == 4, "patchkit::ssd_scan: B has ", a.B.dim(), " dimensions ", a.B.sizes(),
              " but 4 = (batch, length, groups, state_dim) are needed; reshape B.");
  const auto type = x.scalar_type();
  TORCH_CHECK(type == at::kFloat || type == at::kDouble || type == at::kBFloat16 || (type == at::kHalf && !x.is_cpu()),
              "patchkit::ssd_scan: x is ", type,
              " but Float, Double, BFloat16 and, on CUDA, Half are supported; convert x, B and C to one of these.");
  TORCH_CHECK(options.chunk_size > 0, "patchkit::ssd_scan: chunk_size is ", options.chunk_size,
              " but at least 1 is needed; 64 is the fast choice.");

  const int64_t batch = x.size(0), length = x.size(1), heads = x.size(2), head_dim = x.size(3);
  const int64_t groups = a.B.size(2), state_dim = a.B.size(3);
  TORCH_CHECK(groups > 0 && heads % groups == 0, "patchkit::ssd_scan: x has ", heads, " heads but B has ", groups,
              " groups; the heads must be a multiple of the groups.");
  TORCH_CHECK(state_dim > 0, "patchkit::ssd_scan: B has state_dim 0 in shape ", a.B.sizes(),
              " but at least 1 is needed; give the state a dimension.");
  check_sizes("B", a.B, {batch, length, groups, state_dim}, "(batch, length, groups, state_dim)");
  check_sizes("C", a.C, {batch, length, groups, state_dim}, "(batch, length, groups, state_dim)");
  check_sizes("dt", a.dt, {batch, length, heads}, "(batch, length, heads)");
  check_sizes("A", a.A, {heads}, "(heads)");
  if (a.D.defined() && a.D.dim() == 2) check_sizes("D", a.D, {heads, head_dim}, "(heads, head_dim)");
  else if (a.D.defined()) check_sizes("D", a.D, {heads}, "(heads) or (heads, head_dim)");
  if (a.z.defined()) check_sizes("z", a.z, x.sizes(), "(batch, length, heads, head_dim)");
  if (a.dt_bias.defined()) check_sizes("dt_bias", a.dt_bias, {heads}, "(heads)");
  if (a.initial_state.defined())
    check_sizes("initial_state", a.initial_state, {batch, heads, head_dim, state_dim},
                "(batch, heads, head_dim, state_dim)");

  check_same_dtype("B", a.B, x);
  check_same_dtype("C", a.C, x);
  if (a.z.defined()) check_same_dtype("z", a.z, x);
  const std::pair<const char*, const Tensor*> others[] = {
      {"dt", &a.dt}, {"A", &a.A}, {"B", &a.B}, {"C", &a.C}, {"D", &a.D}, {"z", &a.z}, {"dt_bias", &a.dt_bias},
      {"initial_state", &a.initial_state}};
  for (const auto& [name, tensor] : others) {
    check_same_device(name, *tensor, x);
    check_floating(name, *tensor);
  }
}

// ---------------------------------------------------------------- CPU

// The long tensors stay strided as they are; only the small ones are brought to the arithmetic's dtype.
template <class E>
struct CpuCall {
  using T = kernels::Arithmetic<E>;
  static constexpr auto arithmetic = std::is_same_v<T, double> ? at::kDouble : at::kFloat;

  CpuCall(const Arguments& a, const Options& options)
      : x(with_contiguous_last_dim(a.x)), B(with_contiguous_last_dim(a.B)), C(with_contiguous_last_dim(a.C)),
        z(a.z.defined() ? with_contiguous_last_dim(a.z) : Tensor()), dt(a.dt.to(arithmetic)), A(small(a.A)),
        D(small(a.D)), dt_bias(small(a.dt_bias)), initial_state(small(a.initial_state)),
        shape{x.size(0), x.size(1), x.size(2), B.size(2), x.size(3), B.size(3), options.chunk_size} {
    in.x = view<const E>(x);
    in.B = view<const E>(B);
    in.C = view<const E>(C);
    if (z.defined()) in.z = view<const E>(z);
    in.dt = {data<T>(dt), dt.stride(0), dt.stride(1), dt.stride(2)};
    in.A = data<T>(A);
    in.D = data<T>(D);
    in.D_per_feature = D.defined() && D.dim() == 2;
    in.dt_bias = data<T>(dt_bias);
    in.initial_state = data<T>(initial_state);
    in.dt_softplus = options.dt_softplus;
  }

  static Tensor small(const Tensor& tensor) { return tensor.defined() ? tensor.to(arithmetic).contiguous() : tensor; }

  template <class Element>
  static Element* data(const Tensor& tensor) {
    return tensor.defined() ? static_cast<Element*>(tensor.data_ptr()) : nullptr;
  }
  template <class Element>
  static kernels::TokenView<Element> view(const Tensor& tensor) {
    return {data<Element>(tensor), tensor.stride(0), tensor.stride(1), tensor.stride(2)};
  }

  Tensor empty(at::IntArrayRef sizes) const { return at::empty(sizes, x.options().dtype(arithmetic)); }
  Tensor empty_like_x() const { return at::empty(x.sizes(), x.options()); }

  Tensor x, B, C, z, dt, A, D, dt_bias, initial_state;
  kernels::SsdShape shape;
  kernels::SsdInputs<E> in;
};

template <class E>
ForwardResult forward_cpu(const Arguments& a, const Options& options, bool keep_states) {
  const CpuCall<E> call(a, options);
  const kernels::SsdShape& s = call.shape;
  Tensor y = call.empty_like_x();
  Tensor final_state = call.empty({s.batch, s.heads, s.head_dim, s.state_dim});
  if (call.x.numel() == 0) {
    if (call.initial_state.defined()) final_state.copy_(call.initial_state);
    else final_state.zero_();
    return {y, final_state, call.empty({0})};
  }
  Tensor states = call.empty({keep_states ? kernels::ssd_chunk_states_size<E>(s) : 0});
  kernels::SsdOutputs<E> out;
  out.y = call.template view<E>(y);
  out.final_state = call.template data<typename CpuCall<E>::T>(final_state);
  if (keep_states) out.chunk_states = call.template data<typename CpuCall<E>::T>(states);
  check_finished(kernels::ssd_scan_forward<E>(s, call.in, out, at::get_num_threads()), "ssd_scan");
  return {y, final_state, states};
}

template <class E>
BackwardResult backward_cpu(const Tensor& grad_y, const Tensor& grad_final_state, const Tensor& states,
                            const Arguments& a, const Options& options) {
  using T = typename CpuCall<E>::T;
  const CpuCall<E> call(a, options);
  const kernels::SsdShape& s = call.shape;
  const Tensor dy = with_contiguous_last_dim(grad_y.to(a.x.scalar_type()));
  const Tensor dfinal = call.small(grad_final_state);

  Tensor dx = call.empty_like_x(), dz = a.z.defined() ? call.empty_like_x() : Tensor();
  Tensor ddt = call.empty(a.dt.sizes()), dA = call.empty(a.A.sizes());
  Tensor dB = call.empty(a.B.sizes()), dC = call.empty(a.C.sizes());
  Tensor dD = a.D.defined() ? call.empty({s.heads, s.head_dim}) : Tensor();
  Tensor dinitial = a.initial_state.defined() ? call.empty(a.initial_state.sizes()) : Tensor();
  if (call.x.numel() == 0) {
    for (Tensor* gradient : {&ddt, &dA, &dB, &dC, &dD, &dinitial})
      if (gradient->defined()) gradient->zero_();
    if (dinitial.defined() && dfinal.defined()) dinitial.copy_(dfinal);
  } else {
    kernels::SsdGradients<E> grads;
    grads.x = call.template view<E>(dx);
    if (dz.defined()) grads.z = call.template view<E>(dz);
    grads.dt = call.template data<T>(ddt);
    grads.A = call.template data<T>(dA);
    grads.B = call.template data<T>(dB);
    grads.C = call.template data<T>(dC);
    grads.D = call.template data<T>(dD);
    grads.initial_state = call.template data<T>(dinitial);
    check_finished(kernels::ssd_scan_backward<E>(s, call.in, call.template view<const E>(dy),
                                                 call.template data<T>(dfinal), call.template data<T>(states), grads,
                                                 at::get_num_threads()),
                   "ssd_scan");
  }
  if (dD.defined() && a.D.dim() == 1) dD = dD.sum(1);
  Tensor dbias = a.dt_bias.defined() ? ddt.sum(at::IntArrayRef{0, 1}) : Tensor();
  const auto like = [](const Tensor& gradient, const Tensor& input) {
    return input.defined() ? gradient.to(input.scalar_type()) : Tensor();
  };
  return {dx, like(ddt, a.dt), like(dA, a.A), like(dB, a.B), like(dC, a.C),
          like(dD, a.D), dz, like(dbias, a.dt_bias), like(dinitial, a.initial_state)};
}

template <class Run>
auto for_storage(const Tensor& x, Run run) {
  switch (x.scalar_type()) {
    case at::kDouble: return run(double{});
    case at::kBFloat16: return run(kernels::bfloat16{});
    default: return run(float{});
  }
}

ForwardResult ssd_scan_forward_cpu(const Tensor& x, const Tensor& dt, const Tensor& A, const Tensor& B, const Tensor& C,
                                   const Optional<Tensor>& D, const Optional<Tensor>& z,
                                   const Optional<Tensor>& dt_bias, const Optional<Tensor>& initial_state,
                                   bool dt_softplus, int64_t chunk_size, bool keep_states) {
  const Arguments a{x, dt, A, B, C, tensor_or_undefined(D), tensor_or_undefined(z), tensor_or_undefined(dt_bias),
                    tensor_or_undefined(initial_state)};
  const Options options{dt_softplus, chunk_size};
  check_arguments(a, options);
  return for_storage(x, [&](auto element) { return forward_cpu<decltype(element)>(a, options, keep_states); });
}

BackwardResult ssd_scan_backward_cpu(const Tensor& grad_y, const Optional<Tensor>& grad_final_state,
                                     const Tensor& chunk_states, const Tensor& x, const Tensor& dt, const Tensor& A,
                                     const Tensor& B, const Tensor& C, const Optional<Tensor>& D,
                                     const Optional<Tensor>& z, const Optional<Tensor>& dt_bias,
                                     const Optional<Tensor>& initial_state, bool dt_softplus, int64_t chunk_size) {
  const Arguments a{x, dt, A, B, C, tensor_or_undefined(D), tensor_or_undefined(z), tensor_or_undefined(dt_bias),
                    tensor_or_undefined(initial_state)};
  const Options options{dt_softplus, chunk_size};
  const Tensor dfinal = tensor_or_undefined(grad_final_state);
  check_arguments(a, options);
  return for_storage(x, [&](auto element) {
    return backward_cpu<decltype(element)>(grad_y, dfinal, chunk_states, a, options);
  });
}

// ---------------------------------------------------------------- any device

ForwardResult forward(const Arguments& a, const Options& options, bool keep_states) {
  static const auto op = find_operator<ForwardSignature>("patchkit::_ssd_scan_forward");
  check_has_kernel(op, a.x, "ssd_scan");
  return op.call(a.x, a.dt, a.A, a.B, a.C, defined_or_none(a.D), defined_or_none(a.z), defined_or_none(a.dt_bias),
                 defined_or_none(a.initial_state), options.dt_softplus, options.chunk_size, keep_states);
}

struct SsdScan : torch::autograd::Function<SsdScan> {
  static variable_list forward(AutogradContext* ctx, const Tensor& x, const Tensor& dt, const Tensor& A,
                               const Tensor& B, const Tensor& C, const Optional<Tensor>& D, const Optional<Tensor>& z,
                               const Optional<Tensor>& dt_bias, const Optional<Tensor>& initial_state, bool dt_softplus,
                               int64_t chunk_size, bool keep_states) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    const Arguments a{x, dt, A, B, C, tensor_or_undefined(D), tensor_or_undefined(z), tensor_or_undefined(dt_bias),
                      tensor_or_undefined(initial_state)};
    const auto [y, final_state, states] = ops::forward(a, {dt_softplus, chunk_size}, keep_states);
    if (keep_states) ctx->save_for_backward({states, x, dt, A, B, C, a.D, a.z, a.dt_bias, a.initial_state});
    ctx->saved_data["dt_softplus"] = dt_softplus;
    ctx->saved_data["chunk_size"] = chunk_size;
    ctx->set_materialize_grads(false);
    return {y, final_state};
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    if (!grads[0].defined() && !grads[1].defined()) return variable_list(12);
    const variable_list saved = ctx->get_saved_variables();
    const Tensor& x = saved[1];
    static const auto op = find_operator<BackwardSignature>("patchkit::_ssd_scan_backward");
    const Tensor grad_y = grads[0].defined() ? grads[0] : at::zeros({1}, x.options()).expand(x.sizes());
    auto [dx, ddt, dA, dB, dC, dD, dz, dbias, dinitial] =
        op.call(grad_y, defined_or_none(grads[1]), saved[0], x, saved[2], saved[3], saved[4], saved[5],
                defined_or_none(saved[6]), defined_or_none(saved[7]), defined_or_none(saved[8]),
                defined_or_none(saved[9]), ctx->saved_data["dt_softplus"].toBool(),
                ctx->saved_data["chunk_size"].toInt());
    return {dx, ddt, dA, dB, dC, dD, dz, dbias, dinitial, Tensor(), Tensor(), Tensor()};
  }
};

bool wants_gradient(const Arguments& a) {
  if (!at::GradMode::is_enabled()) return false;
  for (const Tensor* tensor : {&a.x, &a.dt, &a.A, &a.B, &a.C, &a.D, &a.z, &a.dt_bias, &a.initial_state})
    if (tensor->defined() && tensor->requires_grad()) return true;
  return false;
}

std::tuple<Tensor, Tensor> ssd_scan_autograd(const Tensor& x, const Tensor& dt, const Tensor& A, const Tensor& B,
                                             const Tensor& C, const Optional<Tensor>& D, const Optional<Tensor>& z,
                                             const Optional<Tensor>& dt_bias, const Optional<Tensor>& initial_state,
                                             bool dt_softplus, int64_t chunk_size) {
  const Arguments a{x, dt, A, B, C, tensor_or_undefined(D), tensor_or_undefined(z), tensor_or_undefined(dt_bias),
                    tensor_or_undefined(initial_state)};
  check_arguments(a, {dt_softplus, chunk_size});
  const variable_list results = SsdScan::apply(x, dt, A, B, C, D, z, dt_bias, initial_state, dt_softplus, chunk_size,
                                               wants_gradient(a));
  return {results[0], results[1]};
}

// Reached below autograd, in inference mode: nothing is kept.
std::tuple<Tensor, Tensor> ssd_scan_inference(const Tensor& x, const Tensor& dt, const Tensor& A, const Tensor& B,
                                              const Tensor& C, const Optional<Tensor>& D, const Optional<Tensor>& z,
                                              const Optional<Tensor>& dt_bias, const Optional<Tensor>& initial_state,
                                              bool dt_softplus, int64_t chunk_size) {
  const Arguments a{x, dt, A, B, C, tensor_or_undefined(D), tensor_or_undefined(z), tensor_or_undefined(dt_bias),
                    tensor_or_undefined(initial_state)};
  const Options options{dt_softplus, chunk_size};
  check_arguments(a, options);
  const auto [y, final_state, states] = forward(a, options, false);
  return {y, final_state};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(patchkit, m) {
  m.def(
      "ssd_scan(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D=None, Tensor? z=None, "
      "Tensor? dt_bias=None, Tensor? initial_state=None, bool dt_softplus=False, int chunk_size=64) "
      "-> (Tensor y, Tensor final_state)");
  m.def(
      "_ssd_scan_forward(Tensor x, Tensor dt, Tensor A, Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? dt_bias, "
      "Tensor? initial_state, bool dt_softplus, int chunk_size, bool keep_states) "
      "-> (Tensor y, Tensor final_state, Tensor chunk_states)");
  m.def(
      "_ssd_scan_backward(Tensor grad_y, Tensor? grad_final_state, Tensor chunk_states, Tensor x, Tensor dt, Tensor A, "
      "Tensor B, Tensor C, Tensor? D, Tensor? z, Tensor? dt_bias, Tensor? initial_state, bool dt_softplus, "
      "int chunk_size) -> (Tensor grad_x, Tensor grad_dt, Tensor grad_A, Tensor grad_B, Tensor grad_C, Tensor grad_D, "
      "Tensor grad_z, Tensor grad_dt_bias, Tensor grad_initial_state)");
}

TORCH_LIBRARY_IMPL(patchkit, CPU, m) {
  m.impl("_ssd_scan_forward", ssd_scan_forward_cpu);
  m.impl("_ssd_scan_backward", ssd_scan_backward_cpu);
}

TORCH_LIBRARY_IMPL(patchkit, CompositeExplicitAutograd, m) { m.impl("ssd_scan", ssd_scan_inference); }

TORCH_LIBRARY_IMPL(patchkit, Autograd, m) {
  m.impl("ssd_scan", ssd_scan_autograd);
  m.impl("_ssd_scan_forward", torch::autograd::autogradNotImplementedFallback());
  m.impl("_ssd_scan_backward", torch::autograd::autogradNotImplementedFallback());
}

}  // namespace patchkit::ops
