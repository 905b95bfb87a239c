#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

#include "elements.h"

namespace patchkit::cuda {

// A (rows, channels) operand whose channels are contiguous; the stride counts elements.
template <class E>
struct Matrix {
  E* data = nullptr;
  std::int64_t row_stride = 0;
};

struct NormShape {
  std::int64_t rows, channels, group_size;  // the mean square is taken over each group of channels
  bool norm_before_gate;
};

// As kernels/norm.h has it; an absent gate has no data.
template <class E>
struct NormInputs {
  Matrix<const E> x, z;
  const Arithmetic<E>* weight;  // (channels)
};

template <class E>
struct NormOutputs {
  Matrix<E> out;
  Arithmetic<E>* reciprocal_rms;  // (rows, groups)
};

template <class E>
struct NormGradients {
  Matrix<E> x, z;
  Arithmetic<E>* weight_sums;  // (norm_row_blocks, channels): the sum over the blocks is the weight's gradient
};

// The backward gives each of at most 1,024 blocks its share of the rows, whatever the device: bits repeat.
inline std::int64_t norm_rows_per_block(const NormShape& shape) { return (shape.rows + 1023) / 1024; }

inline std::int64_t norm_row_blocks(const NormShape& shape) {
  const std::int64_t rows = norm_rows_per_block(shape);
  return rows == 0 ? 0 : (shape.rows + rows - 1) / rows;
}

template <class E>
cudaError_t rms_norm_forward(const NormShape& shape, const NormInputs<E>& in, double eps, const NormOutputs<E>& out,
                             cudaStream_t stream);

template <class E>
cudaError_t rms_norm_backward(const NormShape& shape, const NormInputs<E>& in, const Arithmetic<E>* reciprocal_rms,
                              Matrix<const E> grad_out, const NormGradients<E>& grads, cudaStream_t stream);

}  // namespace patchkit::cuda
