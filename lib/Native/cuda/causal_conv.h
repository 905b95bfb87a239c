#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "elements.h"

namespace patchkit::cuda {

// A (batch, length, channels) operand whose channels are contiguous; strides count elements.
template <class E>
struct Sequence {
  E* data = nullptr;
  std::int64_t batch_stride = 0, row_stride = 0;
};

struct ConvShape {
  std::int64_t batch, length, channels, width;
  bool silu;
};

// As kernels/causal_conv.h has it; what is absent has no data.
template <class E>
struct ConvInputs {
  Sequence<const E> x, initial;
  const Arithmetic<E>* weight;  // (channels, width)
  const Arithmetic<E>* bias;    // (channels)
};

template <class E>
struct ConvGradients {
  Sequence<E> x, initial;
  Arithmetic<E>* parameter_sums;  // (batch x conv_tiles, width + 1, channels): per tile the taps' gradients, the bias'
};

inline constexpr int widest_convolution = 8;

// A thread walks one channel through this many tokens.
inline constexpr int conv_tile = 32;

inline std::int64_t conv_tiles(const ConvShape& shape) { return (shape.length + conv_tile - 1) / conv_tile; }

template <class E>
cudaError_t causal_conv_forward(const ConvShape& shape, const ConvInputs<E>& in, Sequence<E> out, cudaStream_t stream);

template <class E>
cudaError_t causal_conv_backward(const ConvShape& shape, const ConvInputs<E>& in, Sequence<const E> grad_out,
                                 const ConvGradients<E>& grads, cudaStream_t stream);

}  // namespace patchkit::cuda
