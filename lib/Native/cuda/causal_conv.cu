// The causal convolution. A thread walks one channel through a tile of tokens with the last `width` inputs in
// registers; neighbouring threads have neighbouring channels. The backward computes the width - 1 rows behind its tile
// once more.
#include "causal_conv.h"

#include "device.cuh"

namespace patchkit::cuda {
namespace {

// The place of a thread: one channel in one tile of one item of the batch.
struct Lane {
  int64_t tile_index;  // over batch x tiles
  int64_t batch, channel;
  int64_t begin, end;  // tokens
};

__device__ Lane lane_of(const ConvShape& shape, int64_t tiles) {
  const int64_t channel_blocks = (shape.channels + blockDim.x - 1) / blockDim.x;
  Lane lane;
  lane.tile_index = blockIdx.x / channel_blocks;
  lane.batch = lane.tile_index / tiles;
  lane.channel = blockIdx.x % channel_blocks * blockDim.x + threadIdx.x;
  lane.begin = lane.tile_index % tiles * conv_tile;
  lane.end = lane.begin + conv_tile < shape.length ? lane.begin + conv_tile : shape.length;
  return lane;
}

// The last `width` values of a channel, the oldest first.
template <int width, class T>
struct Window {
  T at[width] = {};

  __device__ void push(T value) {
#pragma unroll
    for (int j = 0; j + 1 < width; ++j) at[j] = at[j + 1];
    at[width - 1] = value;
  }
};

template <int width, class E>
struct Channel {
  using T = Arithmetic<E>;

  __device__ Channel(const ConvInputs<E>& in, const Lane& lane)
      : x(in.x.data + lane.batch * in.x.batch_stride + lane.channel), x_stride(in.x.row_stride),
        initial(in.initial.data ? in.initial.data + lane.batch * in.initial.batch_stride + lane.channel : nullptr),
        initial_stride(in.initial.row_stride), bias(in.bias ? in.bias[lane.channel] : T(0)) {
#pragma unroll
    for (int j = 0; j < width; ++j) weight[j] = in.weight[lane.channel * width + j];
  }

  // The input at a time that may lie before the sequence.
  __device__ T input(int64_t time) const {
    if (time >= 0) return widen(x[time * x_stride]);
    return initial ? widen(initial[(time + width - 1) * initial_stride]) : T(0);
  }

  // The width - 1 inputs before `time`.
  __device__ Window<width, T> window_before(int64_t time) const {
    Window<width, T> window;
    for (int64_t t = time - (width - 1); t < time; ++t) window.push(input(t));
    return window;
  }

  // Before silu.
  __device__ T output(const Window<width, T>& inputs) const {
    T sum = bias;
#pragma unroll
    for (int j = 0; j < width; ++j) sum += weight[j] * inputs.at[j];
    return sum;
  }

  const E* x;
  int64_t x_stride;
  const E* initial;
  int64_t initial_stride;
  T bias;
  T weight[width];
};

template <int width, class E>
__global__ void forward_kernel(ConvShape shape, ConvInputs<E> in, Sequence<E> out, int64_t tiles) {
  using T = Arithmetic<E>;
  const Lane lane = lane_of(shape, tiles);
  if (lane.channel >= shape.channels) return;
  const Channel<width, E> channel(in, lane);
  E* result = out.data + lane.batch * out.batch_stride + lane.channel;

  Window<width, T> inputs = channel.window_before(lane.begin);
  for (int64_t t = lane.begin; t < lane.end; ++t) {
    inputs.push(channel.input(t));
    const T value = channel.output(inputs);
    result[t * out.row_stride] = narrow<E>(shape.silu ? silu(value) : value);
  }
}

template <int width, class E>
__global__ void backward_kernel(ConvShape shape, ConvInputs<E> in, Sequence<const E> grad_out, ConvGradients<E> grads,
                                int64_t tiles) {
  using T = Arithmetic<E>;
  constexpr int history = width - 1;
  const Lane lane = lane_of(shape, tiles);
  if (lane.channel >= shape.channels) return;
  const Channel<width, E> channel(in, lane);
  const E* grad = grad_out.data + lane.batch * grad_out.batch_stride + lane.channel;
  E* to_x = grads.x.data + lane.batch * grads.x.batch_stride + lane.channel;

  Window<width, T> inputs = channel.window_before(lane.begin);
  Window<width, T> output_grads;  // before silu, of the times t - history to t
  T weight_sum[width] = {}, bias_sum = 0;
  for (int64_t t = lane.begin; t < lane.end + history; ++t) {
    T output_grad = 0;
    if (t < shape.length) {
      inputs.push(channel.input(t));
      output_grad = widen(grad[t * grad_out.row_stride]);
      if (shape.silu) output_grad *= silu_slope(channel.output(inputs));
    }
    output_grads.push(output_grad);
    if (t < lane.end) {
#pragma unroll
      for (int j = 0; j < width; ++j) weight_sum[j] += output_grad * inputs.at[j];
      bias_sum += output_grad;
    }

    // The input `history` steps ago has now fed all its outputs, the earliest through the last tap.
    const int64_t fed = t - history;
    T input_grad = 0;
#pragma unroll
    for (int j = 0; j < width; ++j) input_grad += channel.weight[width - 1 - j] * output_grads.at[j];
    if (fed >= lane.begin)
      to_x[fed * grads.x.row_stride] = narrow<E>(input_grad);
    else if (fed < 0 && grads.initial.data)
      grads.initial.data[lane.batch * grads.initial.batch_stride + t * grads.initial.row_stride + lane.channel] =
          narrow<E>(input_grad);
  }

  T* sums = grads.parameter_sums + lane.tile_index * (width + 1) * shape.channels + lane.channel;
#pragma unroll
  for (int j = 0; j < width; ++j) sums[j * shape.channels] = weight_sum[j];
  sums[width * shape.channels] = bias_sum;
}

int64_t blocks_of(const ConvShape& shape) {
  return shape.batch * conv_tiles(shape) * blocks_for(shape.channels, threads_for(shape.channels));
}

// The width as a compile-time constant: the first guess, then each smaller one.
template <int width, class E>
cudaError_t forward(const ConvShape& shape, const ConvInputs<E>& in, Sequence<E> out, cudaStream_t stream) {
  if constexpr (width > 1)
    if (shape.width < width) return forward<width - 1>(shape, in, out, stream);
  return launch(forward_kernel<width, E>, blocks_of(shape), threads_for(shape.channels), stream, shape, in, out,
                conv_tiles(shape));
}

template <int width, class E>
cudaError_t backward(const ConvShape& shape, const ConvInputs<E>& in, Sequence<const E> grad_out,
                     const ConvGradients<E>& grads, cudaStream_t stream) {
  if constexpr (width > 1)
    if (shape.width < width) return backward<width - 1>(shape, in, grad_out, grads, stream);
  return launch(backward_kernel<width, E>, blocks_of(shape), threads_for(shape.channels), stream, shape, in, grad_out,
                grads, conv_tiles(shape));
}

}  // namespace

template <class E>
cudaError_t causal_conv_forward(const ConvShape& shape, const ConvInputs<E>& in, Sequence<E> out, cudaStream_t stream) {
  return forward<widest_convolution>(shape, in, out, stream);
}

template <class E>
cudaError_t causal_conv_backward(const ConvShape& shape, const ConvInputs<E>& in, Sequence<const E> grad_out,
                                 const ConvGradients<E>& grads, cudaStream_t stream) {
  return backward<widest_convolution>(shape, in, grad_out, grads, stream);
}

#define PATCHKIT_INSTANTIATE(E)                                                                                     \
  template cudaError_t causal_conv_forward(const ConvShape&, const ConvInputs<E>&, Sequence<E>, cudaStream_t);       \
  template cudaError_t causal_conv_backward(const ConvShape&, const ConvInputs<E>&, Sequence<const E>,               \
                                            const ConvGradients<E>&, cudaStream_t);
PATCHKIT_INSTANTIATE(float)
PATCHKIT_INSTANTIATE(double)
PATCHKIT_INSTANTIATE(__nv_bfloat16)
PATCHKIT_INSTANTIATE(__half)

}  // namespace patchkit::cuda
