// patchkit::causal_conv1d: a depthwise convolution over the past, channels last, optionally followed by silu.
//
// A device takes part by registering _causal_conv1d_forward and _causal_conv1d_backward for its key.

#include "../kernels/causal_conv.h"

#include "support.h"

namespace patchkit::ops {
namespace {

using kernels::ConvShape;
using kernels::Sequence;

using BackwardResult = std::tuple<Tensor, Tensor, Tensor, Tensor>;  // grads of x, weight, bias and initial_states

Tensor call_forward(const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias, bool silu,
                    const Optional<Tensor>& initial_states) {
  static const auto op =
      find_operator<Tensor(const Tensor&, const Tensor&, const Optional<Tensor>&, bool, const Optional<Tensor>&)>(
          "patchkit::_causal_conv1d_forward");
  check_has_kernel(op, x, "causal_conv1d");
  return op.call(x, weight, bias, silu, initial_states);
}

BackwardResult call_backward(const Tensor& grad_out, const Tensor& x, const Tensor& weight,
                             const Optional<Tensor>& bias, bool silu, const Optional<Tensor>& initial_states) {
  static const auto op = find_operator<BackwardResult(const Tensor&, const Tensor&, const Tensor&,
                                                      const Optional<Tensor>&, bool, const Optional<Tensor>&)>(
      "patchkit::_causal_conv1d_backward");
  return op.call(grad_out, x, weight, bias, silu, initial_states);
}

struct CausalConvFunction : torch::autograd::Function<CausalConvFunction> {
  static Tensor forward(AutogradContext* context, const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias,
                        bool silu, const Optional<Tensor>& initial_states) {
    at::AutoDispatchBelowADInplaceOrView below_autograd;
    context->save_for_backward({x, weight, tensor_or_undefined(bias), tensor_or_undefined(initial_states)});
    context->saved_data["silu"] = silu;
    return call_forward(x, weight, bias, silu, initial_states);
  }

  static variable_list backward(AutogradContext* context, variable_list grads) {
    check_first_derivative("causal_conv1d");
    const variable_list saved = context->get_saved_variables();
    const auto [grad_x, grad_weight, grad_bias, grad_initial] =
        call_backward(grads[0], saved[0], saved[1], defined_or_none(saved[2]), context->saved_data["silu"].toBool(),
                      defined_or_none(saved[3]));
    return {grad_x, grad_weight, grad_bias, Tensor(), grad_initial};
  }
};

void check_parameter(const char* name, const Tensor& tensor, const Tensor& x, at::IntArrayRef wanted,
                     const char* way_out) {
  TORCH_CHECK(tensor.sizes() == wanted, "patchkit::causal_conv1d: ", name, " is ", tensor.sizes(), ", but x ",
              x.sizes(), " and the weight's width need ", wanted, "; ", way_out);
  TORCH_CHECK(tensor.device() == x.device(), "patchkit::causal_conv1d: x is on ", x.device(), " and ", name, " on ",
              tensor.device(), "; move them to one device.");
}

void check_operands(const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias,
                    const Optional<Tensor>& initial_states) {
  TORCH_CHECK(x.dim() == 3, "patchkit::causal_conv1d: x has ", x.dim(), " dimensions, ", x.sizes(),
              ", but (batch, length, channels) are 3; unsqueeze the batch.");
  TORCH_CHECK(x.is_floating_point(), "patchkit::causal_conv1d: x is ", x.scalar_type(),
              ", but the convolution needs a floating type; convert it to Float, Double or BFloat16.");
  TORCH_CHECK(weight.dim() == 2, "patchkit::causal_conv1d: weight has ", weight.dim(), " dimensions, ", weight.sizes(),
              ", but (channels, width) are 2; squeeze dimension 1 of a Conv1d's weight.");
  const int64_t batch = x.size(0), channels = x.size(2), width = weight.size(1);
  TORCH_CHECK(width >= 1 && width <= kernels::widest_convolution, "patchkit::causal_conv1d: width ", width,
              " is not among 1 to ", kernels::widest_convolution, "; use aten::conv1d for wider ones.");
  check_parameter("weight", weight, x, {channels, width},
                  "x is (batch, length, channels): transpose x if its channels come second.");
  if (bias.has_value()) check_parameter("bias", *bias, x, {channels}, "give one bias per channel.");
  if (initial_states.has_value())
    check_parameter("initial_states", *initial_states, x, {batch, width - 1, channels},
                    "give the width - 1 rows before x, (batch, width - 1, channels).");
}

Optional<Tensor> converted(const Optional<Tensor>& tensor, at::ScalarType type) {
  return tensor.has_value() ? Optional<Tensor>(tensor->to(type)) : tensor;
}

Tensor causal_conv1d(const Tensor& x, const Tensor& weight, const Optional<Tensor>& bias, bool silu,
                     const Optional<Tensor>& initial_states) {
  check_operands(x, weight, bias, initial_states);
  // Other devices' kernels widen as they read and take weights of another type.
  if (!x.is_cpu()) return CausalConvFunction::apply(x, weight, bias, silu, initial_states);
  const at::ScalarType type = compute_type(x, c10::promoteTypes(x.scalar_type(), weight.scalar_type()));
  return CausalConvFunction::apply(x.to(type), weight.to(type), converted(bias, type), silu,
                                   converted(initial_states, type))
      .to(x.scalar_type());
}

ConvShape shape_of(const Tensor& x, const Tensor& weight, bool silu) {
  return {x.size(0), x.size(1), x.size(2), weight.size(1), silu, at::get_num_threads()};
}

// (batch, length, channels); an undefined tensor has no data
template <class T>
Sequence<T> sequence(const Tensor& tensor) {
  if (!tensor.defined()) return {nullptr, 0, 0};
  return {tensor.data_ptr<std::remove_const_t<T>>(), tensor.stride(0), tensor.stride(1)};
}

template <class T>
T* data_or_null(const Tensor& tensor) {
  return tensor.defined() ? tensor.data_ptr<T>() : nullptr;
}

Tensor contiguous_channels(const Optional<Tensor>& tensor) {
  return tensor.has_value() ? with_contiguous_last_dim(*tensor) : Tensor();
}

Tensor empty_like_or_undefined(const Tensor& tensor) {
  return tensor.defined() ? at::empty(tensor.sizes(), tensor.options()) : Tensor();
}

Tensor forward_cpu(const Tensor& x_any, const Tensor& weight_any, const Optional<Tensor>& bias_any, bool silu,
                   const Optional<Tensor>& initial_any) {
  const Tensor x = with_contiguous_last_dim(x_any);
  const Tensor weight = weight_any.contiguous();
  const Tensor bias = contiguous_channels(bias_any);
  const Tensor initial = contiguous_channels(initial_any);
  const Tensor out = at::empty(x.sizes(), x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "causal_conv1d", [&] {
    check_finished(kernels::causal_conv_forward<scalar_t>(shape_of(x, weight, silu), sequence<const scalar_t>(x),
                                                          weight.data_ptr<scalar_t>(), data_or_null<scalar_t>(bias),
                                                          sequence<const scalar_t>(initial), sequence<scalar_t>(out)),
                   "causal_conv1d");
  });
  return out;
}

BackwardResult backward_cpu(const Tensor& grad_out_any, const Tensor& x_any, const Tensor& weight_any,
                            const Optional<Tensor>& bias_any, bool silu, const Optional<Tensor>& initial_any) {
  const Tensor grad_out = with_contiguous_last_dim(grad_out_any);
  const Tensor x = with_contiguous_last_dim(x_any);
  const Tensor weight = weight_any.contiguous();
  const Tensor bias = contiguous_channels(bias_any);
  const Tensor initial = contiguous_channels(initial_any);
  const Tensor grad_x = empty_like_or_undefined(x);
  const Tensor grad_weight = empty_like_or_undefined(weight);
  const Tensor grad_bias = empty_like_or_undefined(bias);
  const Tensor grad_initial = empty_like_or_undefined(initial);
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "causal_conv1d_backward", [&] {
    check_finished(
        kernels::causal_conv_backward<scalar_t>(
            shape_of(x, weight, silu), sequence<const scalar_t>(x), weight.data_ptr<scalar_t>(),
            data_or_null<scalar_t>(bias), sequence<const scalar_t>(initial), sequence<const scalar_t>(grad_out),
            sequence<scalar_t>(grad_x), grad_weight.data_ptr<scalar_t>(), data_or_null<scalar_t>(grad_bias),
            sequence<scalar_t>(grad_initial)),
        "causal_conv1d");
  });
  return {grad_x, grad_weight, grad_bias, grad_initial};
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(patchkit, m) {
  m.def(
      "causal_conv1d(Tensor x, Tensor weight, Tensor? bias=None, bool silu=False, Tensor? initial_states=None) -> "
      "Tensor");
  m.def(
      "_causal_conv1d_forward(Tensor x, Tensor weight, Tensor? bias, bool silu, Tensor? initial_states) -> Tensor");
  m.def(
      "_causal_conv1d_backward(Tensor grad_out, Tensor x, Tensor weight, Tensor? bias, bool silu, "
      "Tensor? initial_states) -> (Tensor, Tensor, Tensor, Tensor)");
}

TORCH_LIBRARY_IMPL(patchkit, CompositeImplicitAutograd, m) { m.impl("causal_conv1d", TORCH_FN(causal_conv1d)); }

TORCH_LIBRARY_IMPL(patchkit, CPU, m) {
  m.impl("_causal_conv1d_forward", TORCH_FN(forward_cpu));
  m.impl("_causal_conv1d_backward", TORCH_FN(backward_cpu));
}

}  // namespace patchkit::ops
