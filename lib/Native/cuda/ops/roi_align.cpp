// patchkit::roi_align on CUDA.

#include "../roi_align.h"

#include "support.h"

namespace patchkit::ops {
namespace {

using cuda::RoiShape;

RoiShape shape_of(at::IntArrayRef sizes, const Tensor& rois, int64_t height, int64_t width, double scale,
                  int64_t sampling_ratio, bool aligned) {
  return {sizes[0], sizes[1], sizes[2], sizes[3], rois.size(0), height, width, scale, sampling_ratio, aligned};
}

// The operator hands on Float or Double alone.
template <class Run>
void for_type(const Tensor& tensor, Run run) {
  if (tensor.scalar_type() == at::kDouble)
    run(Element<double>{});
  else
    run(Element<float>{});
}

Tensor forward_cuda(const Tensor& features_any, const Tensor& rois_any, int64_t height, int64_t width, double scale,
                    int64_t sampling_ratio, bool aligned) {
  const Scope scope(features_any);
  const Tensor features = features_any.contiguous(), rois = rois_any.contiguous();
  const Tensor out = at::empty({rois.size(0), features.size(1), height, width}, features.options());
  for_type(features, [&](auto element) {
    using T = typename decltype(element)::type;
    check_started(
        cuda::roi_align_forward<T>(shape_of(features.sizes(), rois, height, width, scale, sampling_ratio, aligned),
                                   data_of<const T>(features), data_of<const T>(rois), data_of<T>(out),
                                   stream_of(features)),
        "roi_align");
  });
  return out;
}

Tensor backward_cuda(const Tensor& grad_out_any, const Tensor& rois_any, at::IntArrayRef sizes, double scale,
                     int64_t sampling_ratio, bool aligned) {
  const Scope scope(grad_out_any);
  const Tensor grad_out = grad_out_any.contiguous(), rois = rois_any.contiguous();
  const Tensor grad = at::zeros(sizes, grad_out.options());
  const RoiShape shape = shape_of(sizes, rois, grad_out.size(2), grad_out.size(3), scale, sampling_ratio, aligned);
  const Tensor weights = at::empty({cuda::roi_weights(shape)}, grad_out.options());
  for_type(grad, [&](auto element) {
    using T = typename decltype(element)::type;
    check_started(cuda::roi_align_backward<T>(shape, data_of<const T>(grad_out), data_of<const T>(rois),
                                              data_of<T>(weights), data_of<T>(grad), stream_of(grad)),
                  "roi_align");
  });
  return grad;
}

}  // namespace

TORCH_LIBRARY_IMPL(patchkit, CUDA, m) {
  m.impl("_roi_align_forward", TORCH_FN(forward_cuda));
  m.impl("_roi_align_backward", TORCH_FN(backward_cuda));
}

}  // namespace patchkit::ops
