#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace patchkit::cuda {

// As kernels/roi_align.h has it.
struct RoiShape {
  std::int64_t maps, channels, height, width;
  std::int64_t rois, out_height, out_width;
  double scale;
  std::int64_t sampling_ratio;
  bool aligned;
};

// Numbers of the table that roi_align_backward fills: each region's weights of rows and of columns.
inline std::int64_t roi_weights(const RoiShape& shape) {
  return shape.rois * (shape.out_height * shape.height + shape.out_width * shape.width);
}

template <class T>
cudaError_t roi_align_forward(const RoiShape& shape, const T* features, const T* rois, T* out, cudaStream_t stream);

// grad_features begins as zeros; `weights` has room for roi_weights.
template <class T>
cudaError_t roi_align_backward(const RoiShape& shape, const T* grad_out, const T* rois, T* weights, T* grad_features,
                               cudaStream_t stream);

}  // namespace patchkit::cuda
