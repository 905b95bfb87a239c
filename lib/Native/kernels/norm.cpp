#include "norm.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <type_traits>

#include "functions.h"
#include "memory.h"
#include "parallel.h"
#include "stop.h"

namespace patchkit::kernels {
namespace {

// Rows between two looks at the stop flag. The weight's gradient is summed over this many rows
// before it joins the total, which keeps the rounding of long sums small.
constexpr int64_t row_block = 128;

enum class Gate { none, before_norm, after_norm };

template <class T>
Gate gate_of(const NormShape& shape, Matrix<const T> z) {
  if (!z.data) return Gate::none;
  return shape.norm_before_gate ? Gate::after_norm : Gate::before_norm;
}

template <class T>
T mean_product(const T* a, const T* b, int64_t count) {
  T sum = 0;
#pragma omp simd reduction(+ : sum)
  for (int64_t c = 0; c < count; ++c) sum += a[c] * b[c];
  return sum / count;
}

// The functions of one group of one row take pointers to its first channel.
template <Gate gate, class T>
T forward_group(const T* x, const T* weight, const T* z, T* out, int64_t count, T eps) {
  const T* u = x;
  if constexpr (gate == Gate::before_norm) {
#pragma omp simd
    for (int64_t c = 0; c < count; ++c) out[c] = x[c] * silu(z[c]);
    u = out;
  }
  const T reciprocal = 1 / std::sqrt(mean_product(u, u, count) + eps);
#pragma omp simd
  for (int64_t c = 0; c < count; ++c) {
    const T normal = u[c] * reciprocal * weight[c];
    out[c] = gate == Gate::after_norm ? normal * silu(z[c]) : normal;
  }
  return reciprocal;
}

// grad_weight is added to; grad_z is written where the gate follows the norm.
template <Gate gate, class T>
void backward_to_normal(const T* x, const T* weight, const T* z, T reciprocal, const T* grad_out, int64_t count,
                        T* normal, T* grad_normal, T* grad_weight, T* grad_z) {
#pragma omp simd
  for (int64_t c = 0; c < count; ++c) {
    T grad = grad_out[c];
    T value = x[c] * reciprocal;
    if constexpr (gate == Gate::before_norm) value *= silu(z[c]);
    if constexpr (gate == Gate::after_norm) {
      const T open = sigmoid(z[c]);
      grad_z[c] = grad * value * weight[c] * silu_slope(z[c], open);
      grad *= z[c] * open;
    }
    normal[c] = value;
    grad_normal[c] = grad * weight[c];
    grad_weight[c] += grad * value;
  }
}

// d u = (d normal - normal * mean(normal * d normal)) / rms(u), then back through u = x * silu(z)
template <Gate gate, class T>
void backward_from_normal(const T* x, const T* z, T reciprocal, const T* normal, const T* grad_normal, int64_t count,
                          T* grad_x, T* grad_z) {
  const T shared = mean_product(normal, grad_normal, count);
#pragma omp simd
  for (int64_t c = 0; c < count; ++c) {
    const T grad_u = reciprocal * (grad_normal[c] - normal[c] * shared);
    if constexpr (gate == Gate::before_norm) {
      const T open = sigmoid(z[c]);
      grad_x[c] = grad_u * z[c] * open;
      grad_z[c] = grad_u * x[c] * silu_slope(z[c], open);
    } else {
      grad_x[c] = grad_u;
    }
  }
}

// A matrix that may be absent is read and written through this: an absent one has no rows.
template <class T>
T* row_or_null(Matrix<T> matrix, int64_t row, int64_t channel) {
  return matrix.data ? matrix.row(row) + channel : nullptr;
}

template <Gate gate, class T>
void forward_row(const NormShape& shape, int64_t row, Matrix<const T> x, const T* weight, Matrix<const T> z,
                 Matrix<T> out, T* reciprocal_rms) {
  const int64_t size = shape.group_size;
  for (int64_t first = 0, group = 0; first < shape.channels; first += size, ++group)
    reciprocal_rms[row * (shape.channels / size) + group] =
        forward_group<gate>(x.row(row) + first, weight + first, row_or_null(z, row, first), out.row(row) + first, size,
                            static_cast<T>(shape.eps));
}

template <class T>
struct BackwardOperands {
  Matrix<const T> x, z;
  const T *weight, *reciprocal_rms;
  Matrix<const T> grad_out;
  Matrix<T> grad_x, grad_z;
};

// What one thread's share of the backward sums up, and what one group needs between its two passes.
template <class T>
struct PartMemory {
  static int64_t size(const NormShape& shape) { return 2 * shape.channels + 2 * shape.group_size; }

  PartMemory(const NormShape& shape, T* start)
      : total(start), block_sum(total + shape.channels), normal(block_sum + shape.channels),
        grad_normal(normal + shape.group_size) {}

  T *total, *block_sum;     // (channels) the weight's gradient: of the rows done, of the block's rows
  T *normal, *grad_normal;  // (group size) u / rms(u) and its gradient
};

template <Gate gate, class T>
void backward_row(const NormShape& shape, int64_t row, const BackwardOperands<T>& at, const PartMemory<T>& memory) {
  const int64_t size = shape.group_size;
  for (int64_t first = 0, group = 0; first < shape.channels; first += size, ++group) {
    const T* x = at.x.row(row) + first;
    const T* z = row_or_null(at.z, row, first);
    T* grad_z = row_or_null(at.grad_z, row, first);
    const T reciprocal = at.reciprocal_rms[row * (shape.channels / size) + group];
    backward_to_normal<gate>(x, at.weight + first, z, reciprocal, at.grad_out.row(row) + first, size, memory.normal,
                             memory.grad_normal, memory.block_sum + first, grad_z);
    backward_from_normal<gate>(x, z, reciprocal, memory.normal, memory.grad_normal, size, at.grad_x.row(row) + first,
                               grad_z);
  }
}

int64_t row_blocks(const NormShape& shape) { return (shape.rows + row_block - 1) / row_block; }

Range rows_of_block(const NormShape& shape, int64_t block) {
  return {block * row_block, std::min(shape.rows, (block + 1) * row_block)};
}

template <Gate gate, class T>
bool forward(const NormShape& shape, Matrix<const T> x, const T* weight, Matrix<const T> z, Matrix<T> out,
             T* reciprocal_rms) {
  std::atomic<bool> finished{true};
  parallel(row_blocks(shape), shape.threads, [&](int64_t block) {
    if (stop_requested()) finished = false;
    if (!finished) return;
    const Range rows = rows_of_block(shape, block);
    for (int64_t row = rows.begin; row < rows.end; ++row)
      forward_row<gate>(shape, row, x, weight, z, out, reciprocal_rms);
  });
  return finished;
}

template <class T>
void add_to(T* total, const T* more, int64_t count) {
  for (int64_t i = 0; i < count; ++i) total[i] += more[i];
}

// One thread's share of the rows.
template <Gate gate, class T>
bool backward_part(const NormShape& shape, Range blocks, const BackwardOperands<T>& at, const PartMemory<T>& memory) {
  std::fill_n(memory.total, shape.channels, T(0));
  for (int64_t block = blocks.begin; block < blocks.end; ++block) {
    if (stop_requested()) return false;
    std::fill_n(memory.block_sum, shape.channels, T(0));
    const Range rows = rows_of_block(shape, block);
    for (int64_t row = rows.begin; row < rows.end; ++row) backward_row<gate>(shape, row, at, memory);
    add_to(memory.total, memory.block_sum, shape.channels);
  }
  return true;
}

template <Gate gate, class T>
bool backward(const NormShape& shape, const BackwardOperands<T>& at, T* grad_weight) {
  const int64_t parts = std::max<int64_t>(1, std::min<int64_t>(shape.threads, row_blocks(shape)));
  const int64_t size = PartMemory<T>::size(shape);
  const Buffer<T> memory(parts * size);
  const auto memory_of = [&](int64_t part) { return PartMemory<T>(shape, memory.data() + part * size); };
  std::atomic<bool> finished{true};
  parallel(parts, shape.threads, [&](int64_t part) {
    if (!backward_part<gate>(shape, part_of(row_blocks(shape), parts, part), at, memory_of(part))) finished = false;
  });
  if (!finished) return false;

  std::copy_n(memory_of(0).total, shape.channels, grad_weight);
  for (int64_t part = 1; part < parts; ++part) add_to(grad_weight, memory_of(part).total, shape.channels);
  return true;
}

// Calls `run` with the gate as a compile-time constant.
template <class Run>
bool with_gate(Gate gate, Run run) {
  switch (gate) {
    case Gate::before_norm: return run(std::integral_constant<Gate, Gate::before_norm>{});
    case Gate::after_norm: return run(std::integral_constant<Gate, Gate::after_norm>{});
    default: return run(std::integral_constant<Gate, Gate::none>{});
  }
}

}  // namespace

template <class T>
bool rms_norm_forward(const NormShape& shape, Matrix<const T> x, const T* weight, Matrix<const T> z, Matrix<T> out,
                      T* reciprocal_rms) {
  return with_gate(gate_of(shape, z),
                   [&](auto gate) { return forward<gate()>(shape, x, weight, z, out, reciprocal_rms); });
}

template <class T>
bool rms_norm_backward(const NormShape& shape, Matrix<const T> x, const T* weight, Matrix<const T> z,
                       const T* reciprocal_rms, Matrix<const T> grad_out, Matrix<T> grad_x, T* grad_weight,
                       Matrix<T> grad_z) {
  const BackwardOperands<T> at{x, z, weight, reciprocal_rms, grad_out, grad_x, grad_z};
  return with_gate(gate_of(shape, z), [&](auto gate) { return backward<gate()>(shape, at, grad_weight); });
}

template bool rms_norm_forward(const NormShape&, Matrix<const float>, const float*, Matrix<const float>, Matrix<float>,
                               float*);
template bool rms_norm_forward(const NormShape&, Matrix<const double>, const double*, Matrix<const double>,
                               Matrix<double>, double*);
template bool rms_norm_backward(const NormShape&, Matrix<const float>, const float*, Matrix<const float>, const float*,
                                Matrix<const float>, Matrix<float>, float*, Matrix<float>);
template bool rms_norm_backward(const NormShape&, Matrix<const double>, const double*, Matrix<const double>,
                                const double*, Matrix<const double>, Matrix<double>, double*, Matrix<double>);

}  // namespace patchkit::kernels
