// RMSNorm with an optional gate. The forward has a block for each (row, group of channels); the backward one for each
// (block of rows, group), whose threads own the same channels in every row and so sum the weight's gradient.
#include "norm.h"

#include "device.cuh"

namespace patchkit::cuda {
namespace {

enum class Gate { none, before_norm, after_norm };

// One group of channels of one row.
template <Gate gate, class E>
struct Group {
  using T = Arithmetic<E>;

  __device__ Group(const NormShape& shape, const NormInputs<E>& in, int64_t row, int64_t group)
      : first(group * shape.group_size), x(in.x.data + row * in.x.row_stride + first), weight(in.weight + first),
        z(gate == Gate::none ? nullptr : in.z.data + row * in.z.row_stride + first) {}

  // What is normalised.
  __device__ T input(int64_t channel) const {
    T value = widen(x[channel]);
    if constexpr (gate == Gate::before_norm) value *= silu<T>(widen(z[channel]));
    return value;
  }

  // What the normalised input is multiplied by besides the weight.
  __device__ T gate_after(int64_t channel) const {
    T factor = 1;
    if constexpr (gate == Gate::after_norm) factor = silu<T>(widen(z[channel]));
    return factor;
  }

  int64_t first;  // channel
  const E* x;
  const T* weight;
  const E* z;
};

template <Gate gate, class E>
__global__ void forward_kernel(NormShape shape, NormInputs<E> in, double eps, NormOutputs<E> out) {
  using T = Arithmetic<E>;
  const int64_t groups = shape.channels / shape.group_size;
  const int64_t row = blockIdx.x / groups;
  const Group<gate, E> group(shape, in, row, blockIdx.x % groups);

  T square_sum = 0;
  for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x) {
    const T value = group.input(c);
    square_sum += value * value;
  }
  const T reciprocal = 1 / square_root(block_sum(square_sum) / static_cast<T>(shape.group_size) + static_cast<T>(eps));
  if (threadIdx.x == 0) out.reciprocal_rms[blockIdx.x] = reciprocal;

  E* result = out.out.data + row * out.out.row_stride + group.first;
  for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x)
    result[c] = narrow<E>(group.input(c) * reciprocal * group.weight[c] * group.gate_after(c));
}

template <Gate gate, class E>
__global__ void backward_kernel(NormShape shape, NormInputs<E> in, const Arithmetic<E>* reciprocal_rms,
                                Matrix<const E> grad_out, NormGradients<E> grads, int64_t rows_per_block) {
  using T = Arithmetic<E>;
  const int64_t groups = shape.channels / shape.group_size;
  const int64_t row_block = blockIdx.x / groups, group_index = blockIdx.x % groups;
  const int64_t first_row = row_block * rows_per_block;
  const int64_t end_row = first_row + rows_per_block < shape.rows ? first_row + rows_per_block : shape.rows;
  T* weight_sums = grads.weight_sums + row_block * shape.channels + group_index * shape.group_size;

  for (int64_t row = first_row; row < end_row; ++row) {
    const Group<gate, E> group(shape, in, row, group_index);
    const E* grad = grad_out.data + row * grad_out.row_stride + group.first;
    const T reciprocal = reciprocal_rms[row * groups + group_index];

    // normal = input / rms; d normal = grad gate weight
    T product_sum = 0;
    for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x)
      product_sum += group.input(c) * reciprocal * widen(grad[c]) * group.gate_after(c) * group.weight[c];
    const T mean_product = block_sum(product_sum) / static_cast<T>(shape.group_size);

    for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x) {
      const T normal = group.input(c) * reciprocal;
      const T ungated_grad = widen(grad[c]);
      const T weight_grad = ungated_grad * group.gate_after(c) * normal;
      weight_sums[c] = row == first_row ? weight_grad : weight_sums[c] + weight_grad;

      // d input = (d normal - normal mean(normal d normal)) / rms, then back through the gate
      const T normal_grad = ungated_grad * group.gate_after(c) * group.weight[c];
      T input_grad = reciprocal * (normal_grad - normal * mean_product);
      if constexpr (gate != Gate::none) {
        const T z = widen(group.z[c]);
        T z_grad = silu_slope(z);
        if constexpr (gate == Gate::before_norm) {
          z_grad *= input_grad * widen(group.x[c]);
          input_grad *= silu(z);
        } else {
          z_grad *= ungated_grad * normal * group.weight[c];
        }
        grads.z.data[row * grads.z.row_stride + group.first + c] = narrow<E>(z_grad);
      }
      grads.x.data[row * grads.x.row_stride + group.first + c] = narrow<E>(input_grad);
    }
  }
}

template <Gate gate, class E>
cudaError_t forward(const NormShape& shape, const NormInputs<E>& in, double eps, const NormOutputs<E>& out,
                    cudaStream_t stream) {
  const int64_t blocks = shape.rows * (shape.channels / shape.group_size);
  return launch(forward_kernel<gate, E>, blocks, threads_for(shape.group_size), stream, shape, in, eps, out);
}

template <Gate gate, class E>
cudaError_t backward(const NormShape& shape, const NormInputs<E>& in, const Arithmetic<E>* reciprocal_rms,
                     Matrix<const E> grad_out, const NormGradients<E>& grads, cudaStream_t stream) {
  const int64_t blocks = norm_row_blocks(shape) * (shape.channels / shape.group_size);
  return launch(backward_kernel<gate, E>, blocks, threads_for(shape.group_size), stream, shape, in, reciprocal_rms,
                grad_out, grads, norm_rows_per_block(shape));
}

}  // namespace

template <class E>
cudaError_t rms_norm_forward(const NormShape& shape, const NormInputs<E>& in, double eps, const NormOutputs<E>& out,
                             cudaStream_t stream) {
  if (!in.z.data) return forward<Gate::none>(shape, in, eps, out, stream);
  if (shape.norm_before_gate) return forward<Gate::after_norm>(shape, in, eps, out, stream);
  return forward<Gate::before_norm>(shape, in, eps, out, stream);
}

template <class E>
cudaError_t rms_norm_backward(const NormShape& shape, const NormInputs<E>& in, const Arithmetic<E>* reciprocal_rms,
                              Matrix<const E> grad_out, const NormGradients<E>& grads, cudaStream_t stream) {
  if (!in.z.data) return backward<Gate::none>(shape, in, reciprocal_rms, grad_out, grads, stream);
  if (shape.norm_before_gate) return backward<Gate::after_norm>(shape, in, reciprocal_rms, grad_out, grads, stream);
  return backward<Gate::before_norm>(shape, in, reciprocal_rms, grad_out, grads, stream);
}

#define PATCHKIT_INSTANTIATE(E)                                                                                     \
  template cudaError_t rms_norm_forward(const NormShape&, const NormInputs<E>&, double, const NormOutputs<E>&,       \
                                        cudaStream_t);                                                               \
  template cudaError_t rms_norm_backward(const NormShape&, const NormInputs<E>&, const Arithmetic<E>*,               \
                                         Matrix<const E>, const NormGradients<E>&, cudaStream_t);
PATCHKIT_INSTANTIATE(float)
PATCHKIT_INSTANTIATE(double)
PATCHKIT_INSTANTIATE(__nv_bfloat16)
PATCHKIT_INSTANTIATE(__half)

}  // namespace patchkit::cuda
