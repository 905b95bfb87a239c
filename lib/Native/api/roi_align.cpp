// Regions of feature maps resampled to a grid of bins.
#include "kernels/roi_align.h"

#include "api/abi.h"
#include "api/calls.h"

namespace {

using namespace patchkit::kernels;
using patchkit::api::run_floating;

using Call = patchkit::api::RoiAlignCall;

RoiShape shape(const Call* call) {
  return {call->maps,      call->channels, call->height,         call->width,        call->rois,   call->out_height,
          call->out_width, call->scale,    call->sampling_ratio, call->aligned != 0, call->threads};
}

}  // namespace

PK_API int32_t pk_roi_align_forward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return roi_align_forward<T>(shape(call), static_cast<const T*>(call->features),
                                static_cast<const T*>(call->regions), static_cast<T*>(call->out));
  });
}

PK_API int32_t pk_roi_align_backward(const Call* call) {
  return run_floating(call->type, [&](auto number) {
    using T = decltype(number);
    return roi_align_backward<T>(shape(call), static_cast<const T*>(call->out), static_cast<const T*>(call->regions),
                                 static_cast<T*>(call->features));
  });
}
