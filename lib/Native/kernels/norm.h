#pragma once

#include <cstdint>

namespace patchkit::kernels {

// A (rows, channels) operand whose channels are contiguous; the stride counts elements.
template <class T>
struct Matrix {
  T* data;
  int64_t row_stride;

  T* row(int64_t index) const { return data + index * row_stride; }
};

struct NormShape {
  int64_t rows, channels, group_size;  // the mean square is taken over each group of channels
  bool norm_before_gate;
  double eps;
  int threads;
};

// rms(u) = u / sqrt(mean(u^2) + eps) over each group. With a gate z, where its data is not null:
//   norm_before_gate:  out = rms(x) * weight * silu(z)
//   otherwise:         out = rms(x * silu(z)) * weight
// reciprocal_rms is (rows, groups), contiguous. False when stopped.
template <class T>
bool rms_norm_forward(const NormShape& shape, Matrix<const T> x, const T* weight, Matrix<const T> z, Matrix<T> out,
                      T* reciprocal_rms);

template <class T>
bool rms_norm_backward(const NormShape& shape, Matrix<const T> x, const T* weight, Matrix<const T> z,
                       const T* reciprocal_rms, Matrix<const T> grad_out, Matrix<T> grad_x, T* grad_weight,
                       Matrix<T> grad_z);

}  // namespace patchkit::kernels
