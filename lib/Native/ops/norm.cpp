// patchkit::rms_norm: RMSNorm over the last dimension or groups of it, optionally gated by silu(z).
//
// A device takes part by registering _rms_norm_forward and _rms_norm_backward for its key.

#include "../kernels/norm.h"

#include "support.h"

namespace patchkit::ops {
namespace {

using kernels::Matrix;
using kernels::NormShape;

using ForwardResult = std::tuple<Tensor, Tensor>;           // out like x, reciprocal_rms (rows, groups)
using BackwardResult = std::tuple<Tensor, Tensor, Tensor>;  // grads of x, weight and z

ForwardResult call_forward(const Tensor& x, const Tensor& weight, const Optional<Tensor>& z, double eps,
                           int64_t group_size, bool norm_before_gate) {
  static const auto op =
      find_operator<ForwardResult(const Tensor&, const Tensor&, const Optional<Tensor>&, double, int64_t, bool)>(
          "patchkit::_rms_norm_forward");
  check_has_kernel(op, x, "rms_norm");
  return op.call(x, weight, z, eps, group_size, norm_before_gate);
}

BackwardResult call_backward(const Tensor& grad_out, const Tensor& x, const Tensor& weight, const Optional<Tensor>& z,
                             const Tensor& reciprocal_rms, int64_t group_size, bool norm_before_gate) {
  static const auto op = find_operator<BackwardResult(const Tensor&, const Tensor&, const Tensor&,
                                                      const Optional<Tensor>&, const Tensor&, int64_t, bool)>(
      "patchkit::_rms_norm_backward");
  return op.call(grad_out, x, weight, z, reciprocal_rms, group_size, norm_before_gate);
}

struct RmsNormFunction : torch::autograd::Function<RmsNormFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Optional<Tensor>& z,
                        double eps, int64_t group_size, bool norm_before_gate) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    const auto [out, reciprocal_rms] = call_forward(x, weight, z, eps, group_size, norm_before_gate);
    context->save_for_backward({x, weight, tensor_or_undefined(z), reciprocal_rms});
    context->saved_data["group_size"] = group_size;
    context->saved_data["norm_before_gate"] = norm_before_gate;
    return out;
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    check_first_derivative("rms_norm");
    const variable_list saved = context->get_saved_variables();
    const auto [grad_x, grad_weight, grad_z] =
        call_backward(grads[0], saved[0], saved[1], defined_or_none(saved[2]), saved[3],
                      context->saved_data["group_size"].toInt(), context->saved_data["norm_before_gate"].toBool());
    return {grad_x, grad_weight, grad_z, Tensor(), Tensor(), Tensor()};
  }
};

void check_operands(const Tensor& x, const Tensor& weight, const Optional<Tensor>& z, int64_t group_size) {
  TORCH_CHECK(x.dim() >= 1 && x.size(-1) >= 1, "patchkit::rms_norm: x is ", x.sizes(),
              ", but it needs a last dimension of at least 1 channel; reshape it to (..., channels).");
  TORCH_CHECK(x.is_floating_point(), "patchkit::rms_norm: x is ", x.scalar_type(),
              ", but the norm needs a floating type; convert it to Float, Double or BFloat16.");
  const int64_t channels = x.size(-1);
  TORCH_CHECK(weight.dim() == 1 && weight.size(0) == channels, "patchkit::rms_norm: weight is ", weight.sizes(),
              ", but x ", x.sizes(), " has ", channels, " channels; give a weight of shape [", channels, "].");
  TORCH_CHECK(weight.device() == x.device(), "patchkit::rms_norm: x is on ", x.device(), " and weight on ",
              weight.device(), "; move them to one device.");
  TORCH_CHECK(group_size >= 0 && (group_size == 0 || channels % group_size == 0), "patchkit::rms_norm: group size ",
              group_size, " does not divide ", channels, " channels; use a divisor, or 0 for one group.");
  if (!z.has_value()) return;
  TORCH_CHECK(z->sizes() == x.sizes() && z->scalar_type() == x.scalar_type() && z->device() == x.device(),
              "patchkit::rms_norm: z is ", z->scalar_type(), " ", z->sizes(), " on ", z->device(), " and x is ",
              x.scalar_type(), " ", x.sizes(), " on ", x.device(), "; give them one type, shape and device.");
}

Tensor rms_norm(const Tensor& x, const Tensor& weight, const Optional<Tensor>& z, double eps, int64_t group_size,
                bool norm_before_gate) {
  check_operands(x, weight, z, group_size);
  const int64_t group = group_size == 0 ? x.size(-1) : group_size;
  // Other devices' kernels widen as they read and take weights of another type.
  if (!x.is_cpu()) return RmsNormFunction::apply(x, weight, z, eps, group, norm_before_gate);
  const at::ScalarType type = compute_type(x, c10::promoteTypes(x.scalar_type(), weight.scalar_type()));
  const Optional<Tensor> gate = z.has_value() ? Optional<Tensor>(z->to(type)) : z;
  return RmsNormFunction::apply(x.to(type), weight.to(type), gate, eps, group, norm_before_gate).to(x.scalar_type());
}

// (..., channels) -> (rows, channels), without a copy where the strides allow it
Tensor as_rows(const Tensor& tensor) {
  const int64_t channels = tensor.size(-1);
  return with_contiguous_last_dim(tensor.reshape({tensor.numel() / channels, channels}));
}

template <class T>
Matrix<T> matrix(const Tensor& rows) {
  if (!rows.defined()) return {nullptr, 0};
  return {rows.data_ptr<std::remove_const_t<T>>(), rows.stride(0)};
}

NormShape shape_of(const Tensor& rows, double eps, int64_t group_size, bool norm_before_gate) {
  return {rows.size(0), rows.size(1), group_size, norm_before_gate, eps, at::get_num_threads()};
}

ForwardResult forward_cpu(const Tensor& x_any, const Tensor& weight_any, const Optional<Tensor>& z_any, double eps,
                          int64_t group_size, bool norm_before_gate) {
  const Tensor x = as_rows(x_any);
  const Tensor weight = weight_any.contiguous();
  const Tensor z = z_any.has_value() ? as_rows(*z_any) : Tensor();
  const Tensor out = at::empty(x.sizes(), x.options());
  const Tensor reciprocal_rms = at::empty({x.size(0), x.size(1) / group_size}, x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm", [&] {
    check_finished(kernels::rms_norm_forward<scalar_t>(shape_of(x, eps, group_size, norm_before_gate),
                                                       matrix<const scalar_t>(x), weight.data_ptr<scalar_t>(),
                                                       matrix<const scalar_t>(z), matrix<scalar_t>(out),
                                                       reciprocal_rms.data_ptr<scalar_t>()),
                   "rms_norm");
  });
  return {out.view(x_any.sizes()), reciprocal_rms};
}

BackwardResult backward_cpu(const Tensor& grad_out_any, const Tensor& x_any, const Tensor& weight_any,
                            const Optional<Tensor>& z_any, const Tensor& reciprocal_rms, int64_t group_size,
                            bool norm_before_gate) {
  const Tensor grad_out = as_rows(grad_out_any);
  const Tensor x = as_rows(x_any);
  const Tensor weight = weight_any.contiguous();
  const Tensor z = z_any.has_value() ? as_rows(*z_any) : Tensor();
  const Tensor grad_x = at::empty(x.sizes(), x.options());
  const Tensor grad_weight = at::empty(weight.sizes(), weight.options());
  const Tensor grad_z = z.defined() ? at::empty(x.sizes(), x.options()) : Tensor();
  constexpr double eps_is_in_reciprocal_rms = 0;
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "rms_norm_backward", [&] {
    check_finished(
        kernels::rms_norm_backward<scalar_t>(
            shape_of(x, eps_is_in_reciprocal_rms, group_size, norm_before_gate), matrix<const scalar_t>(x),
            weight.data_ptr<scalar_t>(), matrix<const scalar_t>(z), reciprocal_rms.data_ptr<scalar_t>(),
            matrix<const scalar_t>(grad_out), matrix<scalar_t>(grad_x), grad_weight.data_ptr<scalar_t>(),
            matrix<scalar_t>(grad_z)),
        "rms_norm");
  });
  return {grad_x.view(x_any.sizes()), grad_weight, grad_z.defined() ? grad_z.view(x_any.sizes()) : grad_z};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(patchkit, m) {
  m.def(
      "rms_norm(Tensor x, Tensor weight, Tensor? z=None, float eps=1e-5, int group_size=0, "
      "bool norm_before_gate=False) -> Tensor");
  m.def(
      "_rms_norm_forward(Tensor x, Tensor weight, Tensor? z, float eps, int group_size, bool norm_before_gate) -> "
      "(Tensor, Tensor)");
  m.def(
      "_rms_norm_backward(Tensor grad_out, Tensor x, Tensor weight, Tensor? z, Tensor reciprocal_rms, int group_size, "
      "bool norm_before_gate) -> (Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(patchkit, CompositeImplicitAutograd, m) { m.impl("rms_norm", TORCH_FN(rms_norm)); }

TORCH_LIBRARY_IMPL(patchkit, CPU, m) {
  m.impl("_rms_norm_forward", TORCH_FN(forward_cpu));
  m.impl("_rms_norm_backward", TORCH_FN(backward_cpu));
}

}  // namespace patchkit::ops
