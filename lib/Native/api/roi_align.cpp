// Regions of feature maps resampled to a grid of bins.
#include "kernels/roi_align.h"

#include "api/abi.h"

namespace {

using namespace patchkit::kernels;
using patchkit::api::run_floating;

struct Call {
  int64_t maps, channels, height, width, rois, out_height, out_width, sampling_ratio;
  double scale;
  int32_t aligned, type, threads, unused;
  void* features;  // (maps, channels, height, width); in backward its gradient
  void* regions;   // (rois, 5): finite, and the first column names a map
  void* out;       // (rois, channels, out_height, out_width); in backward its gradient

  RoiShape shape() const {
    return {maps, channels, height, width, rois, out_height, out_width, scale, sampling_ratio, aligned != 0, threads};
  }
};

}  // namespace

PK_API int32_t pk_roi_align_forward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return roi_align_forward<T>(call->shape(), static_cast<const T*>(call->features), static_cast<const T*>(call->regions),
                                static_cast<T*>(call->out));
  });
}

PK_API int32_t pk_roi_align_backward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return roi_align_backward<T>(call->shape(), static_cast<const T*>(call->out), static_cast<const T*>(call->regions),
                                 static_cast<T*>(call->features));
  });
}
