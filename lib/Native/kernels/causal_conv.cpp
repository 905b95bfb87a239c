#include "causal_conv.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <type_traits>
#include <vector>

#include "functions.h"
#include "memory.h"
#include "parallel.h"
#include "stop.h"

// Vectors run over channels and the walk over time goes row by row, so that memory is read in the order it lies.

namespace patchkit::kernels {
namespace {

// Rows between two looks at the stop flag. The parameters' gradients are summed over this many rows
// before they join the total, which keeps the rounding of long sums small.
constexpr int64_t row_block = 128;

template <int width, class T>
using Rows = std::array<const T*, width>;

// Everything read, the parameters turned to (width, channels).
template <class T>
struct Operands {
  ConvShape shape;
  Sequence<const T> x, initial;
  std::vector<T> weight, bias, zeros;

  Operands(const ConvShape& shape, Sequence<const T> x, Sequence<const T> initial, const T* weight_rows,
           const T* bias_or_null)
      : shape(shape), x(x), initial(initial), weight(shape.width * shape.channels), bias(shape.channels),
        zeros(shape.channels) {
    for (int64_t c = 0; c < shape.channels; ++c)
      for (int64_t j = 0; j < shape.width; ++j) weight[j * shape.channels + c] = weight_rows[c * shape.width + j];
    if (bias_or_null) std::copy_n(bias_or_null, shape.channels, bias.begin());
  }

  const T* input_row(int64_t batch, int64_t time) const {
    if (time >= 0) return x.row(batch, time);
    return initial.data ? initial.row(batch, time + shape.width - 1) : zeros.data();
  }
};

template <int width, class T>
Rows<width, T> taps(const Operands<T>& in) {
  Rows<width, T> rows;
  for (int j = 0; j < width; ++j) rows[j] = in.weight.data() + j * in.shape.channels;
  return rows;
}

// The rows x[time - (width - 1)] .. x[time], one for each tap
template <int width, class T>
Rows<width, T> window(const Operands<T>& in, int64_t batch, int64_t time) {
  Rows<width, T> rows;
  for (int j = 0; j < width; ++j) rows[j] = in.input_row(batch, time - (width - 1) + j);
  return rows;
}

template <int width, class T>
[[gnu::always_inline]] inline T convolve(Rows<width, T> rows, Rows<width, T> weight, T start, int64_t channel) {
#pragma GCC unroll 8
  for (int j = 0; j < width; ++j) start += weight[j][channel] * rows[j][channel];
  return start;
}

template <int width, class T>
void forward_row(const Operands<T>& in, Rows<width, T> rows, T* out) {
  const Rows<width, T> weight = taps<width>(in);
  const T* bias = in.bias.data();
  if (in.shape.silu) {
#pragma omp simd
    for (int64_t c = 0; c < in.shape.channels; ++c) out[c] = silu(convolve<width>(rows, weight, bias[c], c));
  } else {
#pragma omp simd
    for (int64_t c = 0; c < in.shape.channels; ++c) out[c] = convolve<width>(rows, weight, bias[c], c);
  }
}

// d out -> d sum, where out = silu(sum); the sum is computed again
template <int width, class T>
void silu_backward_row(const Operands<T>& in, Rows<width, T> rows, const T* grad_out, T* grad_sum) {
  const Rows<width, T> weight = taps<width>(in);
  const T* bias = in.bias.data();
#pragma omp simd
  for (int64_t c = 0; c < in.shape.channels; ++c) {
    const T sum = convolve<width>(rows, weight, bias[c], c);
    grad_sum[c] = grad_out[c] * silu_slope(sum, sigmoid(sum));
  }
}

template <int width, class T>
void add_parameter_grads(Rows<width, T> rows, const T* grad_sum, int64_t channels, T* grads) {
#pragma omp simd
  for (int64_t c = 0; c < channels; ++c) {
#pragma GCC unroll 8
    for (int j = 0; j < width; ++j) grads[j * channels + c] += grad_sum[c] * rows[j][c];
    grads[width * channels + c] += grad_sum[c];
  }
}

// What one part of the backward sums up and remembers.
template <int width, class T>
struct PartMemory {
  static constexpr int64_t sum_rows = width + 1;  // a row for each tap, then the bias
  static constexpr int64_t rows = 2 * sum_rows + width;

  int64_t channels;
  T* start;

  T* total() const { return start; }                                   // (sum_rows, channels) of the rows done
  T* block_sum() const { return start + sum_rows * channels; }         // the same of the rows since
  T* recent_grads() const { return start + 2 * sum_rows * channels; }  // (width, channels)

  void close_block() const {
    for (int64_t i = 0; i < sum_rows * channels; ++i) total()[i] += block_sum()[i];
    std::fill_n(block_sum(), sum_rows * channels, T(0));
  }
};

// The gradient of the sums of the last `width` rows of one sequence.
template <int width, class T>
class RecentGrads {
 public:
  RecentGrads(const Operands<T>& in, T* rows) : in_(in), rows_(rows) {}

  T* row(int64_t time) const { return rows_ + time % width * in_.shape.channels; }

  // d sum[time + (width - 1) - j] for each tap j: the sums in which x[time] has a share
  Rows<width, T> fed_by(int64_t time) const {
    Rows<width, T> rows;
    for (int j = 0; j < width; ++j) {
      const int64_t fed = time + width - 1 - j;
      rows[j] = fed >= 0 && fed < in_.shape.length ? row(fed) : in_.zeros.data();
    }
    return rows;
  }

 private:
  const Operands<T>& in_;
  T* rows_;
};

template <int width, class T>
void grad_input_row(const Operands<T>& in, Rows<width, T> fed, T* grad_x) {
  const Rows<width, T> weight = taps<width>(in);
#pragma omp simd
  for (int64_t c = 0; c < in.shape.channels; ++c) grad_x[c] = convolve<width>(fed, weight, T(0), c);
}

template <int width, class T>
bool forward_part(const Operands<T>& in, int64_t batch, Range times, Sequence<T> out) {
  for (int64_t time = times.begin; time < times.end; ++time) {
    if ((time - times.begin) % row_block == 0 && stop_requested()) return false;
    forward_row<width>(in, window<width>(in, batch, time), out.row(batch, time));
  }
  return true;
}

template <class T>
struct Grads {
  Sequence<T> x, initial;
};

// The rows up to width - 1 past the part's end are computed too: inputs of the part feed them.
template <int width, class T>
bool backward_part(const Operands<T>& in, int64_t batch, Range times, Sequence<const T> grad_out, Grads<T> grads,
                   PartMemory<width, T> memory) {
  constexpr int64_t history = width - 1;
  const int64_t channels = in.shape.channels;
  const RecentGrads<width, T> recent(in, memory.recent_grads());

  for (int64_t time = times.begin; time < times.end + history; ++time) {
    if (time < in.shape.length) {
      const Rows<width, T> rows = window<width>(in, batch, time);
      T* grad_sum = recent.row(time);
      if (in.shape.silu)
        silu_backward_row<width>(in, rows, grad_out.row(batch, time), grad_sum);
      else
        std::copy_n(grad_out.row(batch, time), channels, grad_sum);
      if (time < times.end) add_parameter_grads<width>(rows, grad_sum, channels, memory.block_sum());
    }

    const int64_t complete = time - history;
    if (complete >= times.begin)
      grad_input_row<width>(in, recent.fed_by(complete), grads.x.row(batch, complete));
    else if (complete < 0 && grads.initial.data)
      grad_input_row<width>(in, recent.fed_by(complete), grads.initial.row(batch, time));

    if ((time - times.begin) % row_block == row_block - 1) {
      memory.close_block();
      if (stop_requested()) return false;
    }
  }
  memory.close_block();
  return true;
}

int64_t parts_of(const ConvShape& shape) {
  return parts_per_item(shape.batch, (shape.length + row_block - 1) / row_block, shape.threads);
}

template <int width, class T>
bool forward(const Operands<T>& in, Sequence<T> out) {
  const ConvShape& shape = in.shape;
  const int64_t parts = parts_of(shape);
  std::atomic<bool> finished{true};
  parallel(shape.batch * parts, shape.threads, [&](int64_t task) {
    if (!forward_part<width>(in, task / parts, part_of(shape.length, parts, task % parts), out)) finished = false;
  });
  return finished;
}

template <int width, class T>
bool backward(const Operands<T>& in, Sequence<const T> grad_out, Grads<T> grads, T* grad_weight, T* grad_bias) {
  const ConvShape& shape = in.shape;
  const int64_t parts = parts_of(shape);
  const int64_t tasks = shape.batch * parts;
  const int64_t size = PartMemory<width, T>::rows * shape.channels;
  const int64_t slots = std::max<int64_t>(1, tasks);  // an empty batch still has a gradient: zero
  const Buffer<T> memory(slots * size);
  std::fill_n(memory.data(), slots * size, T(0));
  const auto memory_of = [&](int64_t task) {
    return PartMemory<width, T>{shape.channels, memory.data() + task * size};
  };
  std::atomic<bool> finished{true};
  parallel(tasks, shape.threads, [&](int64_t task) {
    if (!backward_part<width>(in, task / parts, part_of(shape.length, parts, task % parts), grad_out, grads,
                              memory_of(task)))
      finished = false;
  });
  if (!finished) return false;

  const int64_t sum_size = PartMemory<width, T>::sum_rows * shape.channels;
  T* sum = memory.data();
  for (int64_t task = 1; task < tasks; ++task)
    for (int64_t i = 0; i < sum_size; ++i) sum[i] += memory_of(task).total()[i];
  for (int64_t c = 0; c < shape.channels; ++c)
    for (int64_t j = 0; j < width; ++j) grad_weight[c * width + j] = sum[j * shape.channels + c];
  if (grad_bias) std::copy_n(sum + width * shape.channels, shape.channels, grad_bias);
  return true;
}

// Calls `run` with the width as a compile-time constant.
template <int width = widest_convolution, class Run>
bool with_width(int64_t wanted, Run run) {
  if constexpr (width > 1)
    if (wanted < width) return with_width<width - 1>(wanted, run);
  return run(std::integral_constant<int, width>{});
}

}  // namespace

template <class T>
bool causal_conv_forward(const ConvShape& shape, Sequence<const T> x, const T* weight, const T* bias,
                         Sequence<const T> initial, Sequence<T> out) {
  const Operands<T> in(shape, x, initial, weight, bias);
  return with_width(shape.width, [&](auto width) { return forward<width()>(in, out); });
}

template <class T>
bool causal_conv_backward(const ConvShape& shape, Sequence<const T> x, const T* weight, const T* bias,
                          Sequence<const T> initial, Sequence<const T> grad_out, Sequence<T> grad_x, T* grad_weight,
                          T* grad_bias, Sequence<T> grad_initial) {
  const Operands<T> in(shape, x, initial, weight, bias);
  const Grads<T> grads{grad_x, grad_initial};
  return with_width(shape.width,
                    [&](auto width) { return backward<width()>(in, grad_out, grads, grad_weight, grad_bias); });
}

template bool causal_conv_forward(const ConvShape&, Sequence<const float>, const float*, const float*,
                                  Sequence<const float>, Sequence<float>);
template bool causal_conv_forward(const ConvShape&, Sequence<const double>, const double*, const double*,
                                  Sequence<const double>, Sequence<double>);
template bool causal_conv_backward(const ConvShape&, Sequence<const float>, const float*, const float*,
                                   Sequence<const float>, Sequence<const float>, Sequence<float>, float*, float*,
                                   Sequence<float>);
template bool causal_conv_backward(const ConvShape&, Sequence<const double>, const double*, const double*,
                                   Sequence<const double>, Sequence<const double>, Sequence<double>, double*, double*,
                                   Sequence<double>);

}  // namespace patchkit::kernels
