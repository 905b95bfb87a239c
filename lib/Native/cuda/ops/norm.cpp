// patchkit::rms_norm on CUDA.

#include "../norm.h"

#include "support.h"

namespace patchkit::ops {
namespace {

using cuda::Matrix;
using cuda::NormShape;

using ForwardResult = std::tuple<Tensor, Tensor>;           // out like x, reciprocal_rms (rows, groups)
using BackwardResult = std::tuple<Tensor, Tensor, Tensor>;  // grads of x, weight and z

// (..., channels) -> (rows, channels), without a copy where the strides allow it
Tensor as_rows(const Tensor& tensor) {
  const int64_t channels = tensor.size(-1);
  return with_contiguous_last_dim(tensor.reshape({tensor.numel() / channels, channels}));
}

Tensor as_rows(const Optional<Tensor>& tensor) { return tensor.has_value() ? as_rows(*tensor) : Tensor(); }

template <class E>
Matrix<E> matrix(const Tensor& rows) {
  if (!rows.defined()) return {};
  return {static_cast<E*>(rows.data_ptr()), rows.stride(0)};
}

template <class E>
cuda::NormInputs<E> inputs(const Tensor& x, const Tensor& z, const Tensor& weight) {
  return {matrix<const E>(x), matrix<const E>(z), data_of<const Arithmetic<E>>(weight)};
}

ForwardResult forward_cuda(const Tensor& x_any, const Tensor& weight_any, const Optional<Tensor>& z_any, double eps,
                           int64_t group_size, bool norm_before_gate) {
  const Scope scope(x_any);
  const Tensor x = as_rows(x_any), z = as_rows(z_any);
  const NormShape shape{x.size(0), x.size(1), group_size, norm_before_gate};
  const Tensor out = at::empty(x.sizes(), x.options());
  return for_element(x, "rms_norm", [&](auto element) -> ForwardResult {
    using E = typename decltype(element)::type;
    const Tensor weight = in_arithmetic<E>(weight_any);
    const Tensor reciprocal_rms =
        at::empty({shape.rows, shape.channels / group_size}, x.options().dtype(arithmetic_type<E>));
    const cuda::NormOutputs<E> outputs{matrix<E>(out), data_of<Arithmetic<E>>(reciprocal_rms)};
    check_started(cuda::rms_norm_forward<E>(shape, inputs<E>(x, z, weight), eps, outputs, stream_of(x)), "rms_norm");
    return {out.view(x_any.sizes()), reciprocal_rms};
  });
}

BackwardResult backward_cuda(const Tensor& grad_out_any, const Tensor& x_any, const Tensor& weight_any,
                             const Optional<Tensor>& z_any, const Tensor& reciprocal_rms, int64_t group_size,
                             bool norm_before_gate) {
  const Scope scope(x_any);
  const Tensor grad_out = as_rows(grad_out_any), x = as_rows(x_any), z = as_rows(z_any);
  const NormShape shape{x.size(0), x.size(1), group_size, norm_before_gate};
  const Tensor grad_x = at::empty(x.sizes(), x.options());
  const Tensor grad_z = z.defined() ? at::empty(x.sizes(), x.options()) : Tensor();
  return for_element(x, "rms_norm", [&](auto element) -> BackwardResult {
    using E = typename decltype(element)::type;
    const Tensor weight = in_arithmetic<E>(weight_any);
    const Tensor weight_sums = at::empty({cuda::norm_row_blocks(shape), shape.channels}, weight.options());
    const cuda::NormGradients<E> grads{matrix<E>(grad_x), matrix<E>(grad_z), data_of<Arithmetic<E>>(weight_sums)};
    check_started(cuda::rms_norm_backward<E>(shape, inputs<E>(x, z, weight),
                                             data_of<const Arithmetic<E>>(reciprocal_rms), matrix<const E>(grad_out),
                                             grads, stream_of(x)),
                  "rms_norm");
    return {grad_x.view(x_any.sizes()), in_type_of(weight_sums.sum(0), weight_any),
            z.defined() ? grad_z.view(x_any.sizes()) : Tensor()};
  });
}

}  // namespace

TORCH_LIBRARY_IMPL(patchkit, CUDA, m) {
  m.impl("_rms_norm_forward", TORCH_FN(forward_cuda));
  m.impl("_rms_norm_backward", TORCH_FN(backward_cuda));
}

}  // namespace patchkit::ops
