// patchkit::causal_conv1d on CUDA.

#include "../causal_conv.h"

#include "support.h"

namespace patchkit::ops {
namespace {

using cuda::ConvShape;
using cuda::Sequence;

using BackwardResult = std::tuple<Tensor, Tensor, Tensor, Tensor>;  // grads of x, weight, bias and initial_states

// (batch, length, channels)
template <class E>
Sequence<E> sequence(const Tensor& tensor) {
  if (!tensor.defined()) return {};
  return {static_cast<E*>(tensor.data_ptr()), tensor.stride(0), tensor.stride(1)};
}

// The rows before x, in x's type.
Tensor initial_like(const Tensor& x, const Optional<Tensor>& initial) {
  return initial.has_value() ? with_contiguous_last_dim(initial->to(x.scalar_type())) : Tensor();
}

ConvShape shape_of(const Tensor& x, const Tensor& weight, bool silu) {
  return {x.size(0), x.size(1), x.size(2), weight.size(1), silu};
}

// Holds the small operands in the type of the arithmetic for as long as the kernel's arguments point at them.
template <class E>
struct Operands {
  Operands(const Tensor& x, const Tensor& weight_any, const Optional<Tensor>& bias_any, const Tensor& initial)
      : weight(in_arithmetic<E>(weight_any)), bias(in_arithmetic<E>(tensor_or_undefined(bias_any))),
        inputs{sequence<const E>(x), sequence<const E>(initial), data_of<const Arithmetic<E>>(weight),
               data_of<const Arithmetic<E>>(bias)} {}

  Tensor weight, bias;
  cuda::ConvInputs<E> inputs;
};

Tensor forward_cuda(const Tensor& x_any, const Tensor& weight, const Optional<Tensor>& bias, bool silu,
                    const Optional<Tensor>& initial_any) {
  const Scope scope(x_any);
  const Tensor x = with_contiguous_last_dim(x_any), initial = initial_like(x, initial_any);
  const Tensor out = at::empty(x.sizes(), x.options());
  for_element(x, "causal_conv1d", [&](auto element) {
    using E = typename decltype(element)::type;
    const Operands<E> operands(x, weight, bias, initial);
    check_started(
        cuda::causal_conv_forward<E>(shape_of(x, weight, silu), operands.inputs, sequence<E>(out), stream_of(x)),
        "causal_conv1d");
  });
  return out;
}

BackwardResult backward_cuda(const Tensor& grad_out_any, const Tensor& x_any, const Tensor& weight,
                             const Optional<Tensor>& bias, bool silu, const Optional<Tensor>& initial_any) {
  const Scope scope(x_any);
  const Tensor grad_out = with_contiguous_last_dim(grad_out_any), x = with_contiguous_last_dim(x_any);
  const Tensor initial = initial_like(x, initial_any);
  const ConvShape shape = shape_of(x, weight, silu);
  const Tensor grad_x = at::empty(x.sizes(), x.options());
  // A sequence without tokens leaves it as it is.
  const Tensor grad_initial = initial.defined() ? at::zeros(initial.sizes(), x.options()) : Tensor();
  return for_element(x, "causal_conv1d", [&](auto element) -> BackwardResult {
    using E = typename decltype(element)::type;
    const Operands<E> operands(x, weight, bias, initial);
    const Tensor sums = at::empty({shape.batch * cuda::conv_tiles(shape), shape.width + 1, shape.channels},
                                  operands.weight.options());
    const cuda::ConvGradients<E> grads{sequence<E>(grad_x), sequence<E>(grad_initial), data_of<Arithmetic<E>>(sums)};
    check_started(
        cuda::causal_conv_backward<E>(shape, operands.inputs, sequence<const E>(grad_out), grads, stream_of(x)),
        "causal_conv1d");
    const Tensor parameters = sums.sum(0);  // (width + 1, channels)
    return {grad_x, in_type_of(parameters.narrow(0, 0, shape.width).t().contiguous(), weight),
            in_type_of(parameters.select(0, shape.width), tensor_or_undefined(bias)),
            in_type_of(grad_initial, tensor_or_undefined(initial_any))};
  });
}

}  // namespace

TORCH_LIBRARY_IMPL(patchkit, CUDA, m) {
  m.impl("_causal_conv1d_forward", TORCH_FN(forward_cuda));
  m.impl("_causal_conv1d_backward", TORCH_FN(backward_cuda));
}

}  // namespace patchkit::ops
