// The causal convolution. A thread walks one channel through a tile of tokens with the last `width` inputs in
// registers; neighbouring threads have neighbouring channels. The backward computes the width - 1 rows behind its tile
// once more.
#include "launch.cuh"

namespace patchkit::cuda {
namespace {

inline constexpr int widest_convolution = 8;

// A thread walks one channel through this many tokens.
inline constexpr int conv_tile = 32;

struct ConvShape {
  int64_t batch, length, channels, width;
  bool silu;

  explicit ConvShape(const api::CausalConvCall& call)
      : batch(call.batch), length(call.length), channels(call.channels), width(call.width), silu(call.silu != 0) {}

  int64_t tiles() const { return (length + conv_tile - 1) / conv_tile; }
  int threads() const { return threads_for(channels); }
  int64_t blocks() const { return batch * tiles() * blocks_for(channels, threads()); }
};

// A (batch, length, channels) operand whose channels are contiguous; strides count elements.
template <class E>
struct Sequence {
  E* data;
  int64_t batch_stride, row_stride;
};

// As kernels/causal_conv.h has it; what is absent has no data.
template <class E>
struct ConvInputs {
  Sequence<const E> x, initial;
  const float* weight;  // (channels, width)
  const float* bias;    // (channels)

  explicit ConvInputs(const api::CausalConvCall& call)
      : x(call.x.as<Sequence<const E>>()), initial(call.initial.as<Sequence<const E>>()),
        weight(static_cast<const float*>(call.weight)), bias(static_cast<const float*>(call.bias)) {}
};

template <class E>
struct ConvGradients {
  Sequence<E> x, initial;
  float* parameter_sums;  // (batch x tiles, width + 1, channels): per tile the taps' gradients, the bias'
};

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
template <int width>
struct Window {
  float at[width] = {};

  __device__ void push(float value) {
#pragma unroll
    for (int j = 0; j + 1 < width; ++j) at[j] = at[j + 1];
    at[width - 1] = value;
  }
};

template <int width, class E>
struct Channel {
  __device__ Channel(const ConvInputs<E>& in, const Lane& lane)
      : x(in.x.data + lane.batch * in.x.batch_stride + lane.channel), x_stride(in.x.row_stride),
        initial(in.initial.data ? in.initial.data + lane.batch * in.initial.batch_stride + lane.channel : nullptr),
        initial_stride(in.initial.row_stride), bias(in.bias ? in.bias[lane.channel] : 0.0f) {
#pragma unroll
    for (int j = 0; j < width; ++j) weight[j] = in.weight[lane.channel * width + j];
  }

  // The input at a time that may lie before the sequence.
  __device__ float input(int64_t time) const {
    if (time >= 0) return widen(x[time * x_stride]);
    return initial ? widen(initial[(time + width - 1) * initial_stride]) : 0.0f;
  }

  // The width - 1 inputs before `time`.
  __device__ Window<width> window_before(int64_t time) const {
    Window<width> window;
    for (int64_t t = time - (width - 1); t < time; ++t) window.push(input(t));
    return window;
  }

  // Before silu.
  __device__ float output(const Window<width>& inputs) const {
    float sum = bias;
#pragma unroll
    for (int j = 0; j < width; ++j) sum += weight[j] * inputs.at[j];
    return sum;
  }

  const E* x;
  int64_t x_stride;
  const E* initial;
  int64_t initial_stride;
  float bias;
  float weight[width];
};

template <int width, class E>
__global__ void forward_kernel(ConvShape shape, ConvInputs<E> in, Sequence<E> out, int64_t tiles) {
  const Lane lane = lane_of(shape, tiles);
  if (lane.channel >= shape.channels) return;
  const Channel<width, E> channel(in, lane);
  E* result = out.data + lane.batch * out.batch_stride + lane.channel;

  Window<width> inputs = channel.window_before(lane.begin);
  for (int64_t t = lane.begin; t < lane.end; ++t) {
    inputs.push(channel.input(t));
    const float value = channel.output(inputs);
    result[t * out.row_stride] = narrow<E>(shape.silu ? silu(value) : value);
  }
}

template <int width, class E>
__global__ void backward_kernel(ConvShape shape, ConvInputs<E> in, Sequence<const E> grad_out, ConvGradients<E> grads,
                                int64_t tiles) {
  constexpr int history = width - 1;
  const Lane lane = lane_of(shape, tiles);
  if (lane.channel >= shape.channels) return;
  const Channel<width, E> channel(in, lane);
  const E* grad = grad_out.data + lane.batch * grad_out.batch_stride + lane.channel;
  E* to_x = grads.x.data + lane.batch * grads.x.batch_stride + lane.channel;

  Window<width> inputs = channel.window_before(lane.begin);
  Window<width> output_grads;  // before silu, of the times t - history to t
  float weight_sum[width] = {}, bias_sum = 0;
  for (int64_t t = lane.begin; t < lane.end + history; ++t) {
    float output_grad = 0;
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
    float input_grad = 0;
#pragma unroll
    for (int j = 0; j < width; ++j) input_grad += channel.weight[width - 1 - j] * output_grads.at[j];
    if (fed >= lane.begin)
      to_x[fed * grads.x.row_stride] = narrow<E>(input_grad);
    else if (fed < 0 && grads.initial.data)
      grads.initial.data[lane.batch * grads.initial.batch_stride + t * grads.initial.row_stride + lane.channel] =
          narrow<E>(input_grad);
  }

  float* sums = grads.parameter_sums + lane.tile_index * (width + 1) * shape.channels + lane.channel;
#pragma unroll
  for (int j = 0; j < width; ++j) sums[j * shape.channels] = weight_sum[j];
  sums[width * shape.channels] = bias_sum;
}

// The width as a compile-time constant: the first guess, then each smaller one.
template <int width, class E>
void launch_forward(Launcher& launch, const ConvShape& shape, const ConvInputs<E>& in, const Sequence<E>& out) {
  if constexpr (width > 1)
    if (shape.width < width) return launch_forward<width - 1>(launch, shape, in, out);
  launch("causal_conv1d", forward_kernel<width, E>, shape.blocks(), shape.threads(), 0, shape, in, out, shape.tiles());
}

template <int width, class E>
void launch_backward(Launcher& launch, const ConvShape& shape, const ConvInputs<E>& in,
                     const Sequence<const E>& grad_out, const ConvGradients<E>& grads) {
  if constexpr (width > 1)
    if (shape.width < width) return launch_backward<width - 1>(launch, shape, in, grad_out, grads);
  launch("causal_conv1d backward", backward_kernel<width, E>, shape.blocks(), shape.threads(), 0, shape, in, grad_out,
         grads, shape.tiles());
}

template <class E>
int32_t forward(const api::CausalConvCall& call, const Place& place) {
  Launcher launch(place);
  launch_forward<widest_convolution>(launch, ConvShape(call), ConvInputs<E>(call), call.out.as<Sequence<E>>());
  return launch.result();
}

template <class E>
int32_t backward(const api::CausalConvCall& call, const Place& place) {
  const ConvShape shape(call);
  Launcher launch(place);
  auto* sums = static_cast<float*>(place.workspace);
  launch_backward<widest_convolution>(
      launch, shape, ConvInputs<E>(call), call.grad_out.as<Sequence<const E>>(),
      ConvGradients<E>{call.grad_x.as<Sequence<E>>(), call.grad_initial.as<Sequence<E>>(), sums});
  const int64_t rows = shape.batch * shape.tiles(), taps = shape.width * shape.channels, stride = taps + shape.channels;
  sum_rows(launch, "causal_conv1d backward: weight", sums, rows, stride, taps, static_cast<float*>(call.grad_weight),
           shape.channels, shape.width);
  if (call.grad_bias)
    sum_rows(launch, "causal_conv1d backward: bias", sums + taps, rows, stride, shape.channels,
             static_cast<float*>(call.grad_bias), shape.channels, 1);
  return launch.result();
}

}  // namespace
}  // namespace patchkit::cuda

using namespace patchkit::cuda;
using patchkit::api::CausalConvCall;

PK_API int64_t pk_cuda_causal_conv_backward_workspace(const CausalConvCall* call) {
  const ConvShape shape(*call);
  return shape.batch * shape.tiles() * (shape.width + 1) * shape.channels * static_cast<int64_t>(sizeof(float));
}

PK_API int32_t pk_cuda_causal_conv_forward(const CausalConvCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return forward<decltype(element)>(*call, *place); });
}

PK_API int32_t pk_cuda_causal_conv_backward(const CausalConvCall* call, const Place* place) {
  return of_type(call->type, [&](auto element) { return backward<decltype(element)>(*call, *place); });
}
