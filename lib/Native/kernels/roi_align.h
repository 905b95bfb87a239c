#pragma once

#include <cstdint>

namespace patchkit::kernels {

struct RoiShape {
  int64_t maps, channels, height, width;  // features (maps, channels, height, width)
  int64_t rois, out_height, out_width;    // out (rois, channels, out_height, out_width)
  double scale;
  int64_t sampling_ratio;
  bool aligned;
  int threads;
};

// All operands are contiguous; rois (rois, 5) are finite and their first column names a map. False when stopped.
template <class T>
bool roi_align_forward(const RoiShape& shape, const T* features, const T* rois, T* out);

// grad_features is overwritten; bits do not depend on the number of threads.
template <class T>
bool roi_align_backward(const RoiShape& shape, const T* grad_out, const T* rois, T* grad_features);

}  // namespace patchkit::kernels
