#pragma once

#include <cstdint>

namespace patchkit::kernels {

// A (batch, length, channels) operand whose channels are contiguous; strides count elements.
template <class T>
struct Sequence {
  T* data;
  int64_t batch_stride, row_stride;

  T* row(int64_t batch, int64_t time) const { return data + batch * batch_stride + time * row_stride; }
};

struct ConvShape {
  int64_t batch, length, channels, width;
  bool silu;
  int threads;
};

inline constexpr int64_t widest_convolution = 8;

// out[t] = bias + sum over taps j of weight[:, j] * x[t - (width - 1) + j], then optionally silu.
// What lies before x[0] is `initial` (batch, width - 1, channels), or zero where its data is null.
// weight is (channels, width) and bias (channels) or null, both contiguous. False when stopped.
template <class T>
bool causal_conv_forward(const ConvShape& shape, Sequence<const T> x, const T* weight, const T* bias,
                         Sequence<const T> initial, Sequence<T> out);

// grad_bias, and the data of grad_initial, may be null.
template <class T>
bool causal_conv_backward(const ConvShape& shape, Sequence<const T> x, const T* weight, const T* bias,
                          Sequence<const T> initial, Sequence<const T> grad_out, Sequence<T> grad_x, T* grad_weight,
                          T* grad_bias, Sequence<T> grad_initial);

}  // namespace patchkit::kernels
