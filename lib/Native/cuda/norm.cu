// RMSNorm with an optional gate. The forward has a block for each (row, group of channels); the backward one for each
// (block of rows, group), whose threads own the same channels in every row and so sum the weight's gradient.
#include "launch.cuh"

namespace patchkit::cuda {
namespace {

struct NormShape {
  int64_t rows, channels, group_size;  // the mean square is taken over each group of channels
  bool norm_before_gate;

  explicit NormShape(const api::RmsNormCall& call)
      : rows(call.rows), channels(call.channels), group_size(call.group_size),
        norm_before_gate(call.norm_before_gate != 0) {}

  __host__ __device__ int64_t groups() const { return channels / group_size; }

  // The backward gives each of at most 1,024 blocks its share of the rows, whatever the device: bits repeat.
  int64_t rows_per_block() const { return (rows + 1023) / 1024; }
  int64_t row_blocks() const { return rows == 0 ? 0 : (rows + rows_per_block() - 1) / rows_per_block(); }
};

// A (rows, channels) operand whose channels are contiguous; the stride counts elements.
template <class E>
struct Matrix {
  E* data;
  int64_t row_stride;
};

// As kernels/norm.h has it; an absent gate has no data.
template <class E>
struct NormInputs {
  Matrix<const E> x, z;
  const float* weight;  // (channels)

  explicit NormInputs(const api::RmsNormCall& call)
      : x(call.x.as<Matrix<const E>>()), z(call.z.as<Matrix<const E>>()),
        weight(static_cast<const float*>(call.weight)) {}
};

template <class E>
struct NormGradients {
  Matrix<E> x, z;
  float* weight_sums;  // (row blocks, channels)
};

enum class Gate { none, before_norm, after_norm };

// One group of channels of one row.
template <Gate gate, class E>
struct Group {
  __device__ Group(const NormShape& shape, const NormInputs<E>& in, int64_t row, int64_t group)
      : first(group * shape.group_size), x(in.x.data + row * in.x.row_stride + first), weight(in.weight + first),
        z(gate == Gate::none ? nullptr : in.z.data + row * in.z.row_stride + first) {}

  // What is normalised.
  __device__ float input(int64_t channel) const {
    float value = widen(x[channel]);
    if constexpr (gate == Gate::before_norm) value *= silu(widen(z[channel]));
    return value;
  }

  // What the normalised input is multiplied by besides the weight.
  __device__ float gate_after(int64_t channel) const {
    float factor = 1;
    if constexpr (gate == Gate::after_norm) factor = silu(widen(z[channel]));
    return factor;
  }

  int64_t first;  // channel
  const E* x;
  const float* weight;
  const E* z;
};

template <Gate gate, class E>
__global__ void forward_kernel(NormShape shape, NormInputs<E> in, float eps, Matrix<E> out, float* reciprocal_rms) {
  const int64_t groups = shape.groups();
  const int64_t row = blockIdx.x / groups;
  const Group<gate, E> group(shape, in, row, blockIdx.x % groups);

  float square_sum = 0;
  for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x) {
    const float value = group.input(c);
    square_sum += value * value;
  }
  const float reciprocal = 1 / sqrtf(block_sum(square_sum) / static_cast<float>(shape.group_size) + eps);
  if (threadIdx.x == 0) reciprocal_rms[blockIdx.x] = reciprocal;

  E* result = out.data + row * out.row_stride + group.first;
  for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x)
    result[c] = narrow<E>(group.input(c) * reciprocal * group.weight[c] * group.gate_after(c));
}

template <Gate gate, class E>
__global__ void backward_kernel(NormShape shape, NormInputs<E> in, const float* reciprocal_rms,
                                Matrix<const E> grad_out, NormGradients<E> grads, int64_t rows_per_block) {
  const int64_t groups = shape.groups();
  const int64_t row_block = blockIdx.x / groups, group_index = blockIdx.x % groups;
  const int64_t first_row = row_block * rows_per_block;
  const int64_t end_row = first_row + rows_per_block < shape.rows ? first_row + rows_per_block : shape.rows;
  float* weight_sums = grads.weight_sums + row_block * shape.channels + group_index * shape.group_size;

  for (int64_t row = first_row; row < end_row; ++row) {
    const Group<gate, E> group(shape, in, row, group_index);
    const E* grad = grad_out.data + row * grad_out.row_stride + group.first;
    const float reciprocal = reciprocal_rms[row * groups + group_index];

    // normal = input / rms; d normal = grad gate weight
    float product_sum = 0;
    for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x)
      product_sum += group.input(c) * reciprocal * widen(grad[c]) * group.gate_after(c) * group.weight[c];
    const float mean_product = block_sum(product_sum) / static_cast<float>(shape.group_size);

    for (int64_t c = threadIdx.x; c < shape.group_size; c += blockDim.x) {
      const float normal = group.input(c) * reciprocal;
      const float ungated_grad = widen(grad[c]);
      const float weight_grad = ungated_grad * group.gate_after(c) * normal;
      weight_sums[c] = row == first_row ? weight_grad : weight_sums[c] + weight_grad;

      // d input = (d normal - normal mean(normal d normal)) / rms, then back through the gate
      const float normal_grad = ungated_grad * group.gate_after(c) * group.weight[c];
      float input_grad = reciprocal * (normal_grad - normal * mean_product);
      if constexpr (gate != Gate::none) {
        const float z = widen(group.z[c]);
        float z_grad = silu_slope(z);
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
void launch_forward(Launcher& launch, const api::RmsNormCall& call) {
  const NormShape shape(call);
  launch("rms_norm", forward_kernel<gate, E>, shape.rows * shape.groups(), threads_for(shape.group_size), 0, shape,
         NormInputs<E>(call), static_cast<float>(call.eps), call.out.as<Matrix<E>>(),
         static_cast<float*>(call.reciprocal_rms));
}

template <Gate gate, class E>
void launch_backward(Launcher& launch, const api::RmsNormCall& call, float* sums) {
  const NormShape shape(call);
  launch("rms_norm backward", backward_kernel<gate, E>, shape.row_blocks() * shape.groups(),
         threads_for(shape.group_size), 0, shape, NormInputs<E>(call), static_cast<const float*>(call.reciprocal_rms),
         call.grad_out.as<Matrix<const E>>(),
         NormGradients<E>{call.grad_x.as<Matrix<E>>(), call.grad_z.as<Matrix<E>>(), sums}, shape.rows_per_block());
}

template <class E>
int32_t forward(const api::RmsNormCall& call, const Place& place) {
  Launcher launch(place);
  if (call.z.data == nullptr)
    launch_forward<Gate::none, E>(launch, call);
  else if (call.norm_before_gate)
    launch_forward<Gate::after_norm, E>(launch, call);
  else
    launch_forward<Gate::before_norm, E>(launch, call);
  return launch.result();
}

template <class E>
int32_t backward(const api::RmsNormCall& call, const Place& place) {
  Launcher launch(place);
  auto* sums = static_cast<float*>(place.workspace);
  if (call.z.data == nullptr)
    launch_backward<Gate::none, E>(launch, call, sums);
  else if (call.norm_before_gate)
    launch_backward<Gate::after_norm, E>(launch, call, sums);
  else
    launch_backward<Gate::before_norm, E>(launch, call, sums);
  sum_rows(launch, "rms_norm backward: weight", sums, NormShape(call).row_blocks(), call.channels, call.channels,
           static_cast<float*>(call.grad_weight), call.channels, 1);
  return launch.result();
}

}  // namespace
}  // namespace patchkit::cuda

using namespace patchkit::cuda;
using patchkit::api::RmsNormCall;

PK_API int64_t pk_cuda_rms_norm_backward_workspace(const RmsNormCall* call) {
  return NormShape(*call).row_blocks() * call->channels * static_cast<int64_t>(sizeof(float));
}

PK_API int32_t pk_cuda_rms_norm_forward(const RmsNormCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return forward<decltype(element)>(*call, *place); });
}

PK_API int32_t pk_cuda_rms_norm_backward(const RmsNormCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return backward<decltype(element)>(*call, *place); });
}
