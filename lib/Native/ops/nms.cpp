// patchkit::nms: non-maximum suppression, over all boxes or within classes. It has no gradient.

#include "nms.h"

#include "../kernels/nms.h"

namespace patchkit::ops {

void check_nms_operands(const Tensor& boxes, const Tensor& scores, const Optional<Tensor>& classes) {
  TORCH_CHECK(boxes.dim() == 2 && boxes.size(1) == 4, "patchkit::nms: boxes are ", boxes.sizes(),
              ", but each has 4 numbers, left, top, right and bottom; give a tensor (boxes, 4).");
  TORCH_CHECK(boxes.is_floating_point(), "patchkit::nms: boxes are ", boxes.scalar_type(),
              ", but overlaps need a floating type; convert them to Float or Double.");
  TORCH_CHECK(scores.dim() == 1 && scores.size(0) == boxes.size(0) && scores.device() == boxes.device(),
              "patchkit::nms: scores are ", scores.sizes(), " on ", scores.device(), " and boxes ", boxes.sizes(),
              " on ", boxes.device(), "; give one score for each box, on the same device.");
  if (!classes.has_value()) return;
  TORCH_CHECK(classes->dim() == 1 && classes->size(0) == boxes.size(0) && classes->device() == boxes.device(),
              "patchkit::nms: classes are ", classes->sizes(), " on ", classes->device(), " and boxes ", boxes.sizes(),
              " on ", boxes.device(), "; give one class for each box, on the same device.");
}

namespace {

Tensor nms_cpu(const Tensor& boxes_any, const Tensor& scores, double iou, const Optional<Tensor>& classes_any) {
  check_nms_operands(boxes_any, scores, classes_any);
  const Tensor boxes = boxes_any.to(compute_type(boxes_any, boxes_any.scalar_type())).contiguous();
  const Tensor order = std::get<1>(scores.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true)).contiguous();
  const Tensor classes = classes_any.has_value() ? classes_any->to(at::kLong).contiguous() : Tensor();
  const Tensor kept = at::empty({boxes.size(0)}, order.options());
  int64_t count = 0;
  AT_DISPATCH_FLOATING_TYPES(boxes.scalar_type(), "nms", [&] {
    count = kernels::nms<scalar_t>(boxes.size(0), boxes.data_ptr<scalar_t>(), order.data_ptr<int64_t>(),
                                   classes.defined() ? classes.data_ptr<int64_t>() : nullptr, iou,
                                   kept.data_ptr<int64_t>());
  });
  check_finished(count >= 0, "nms");
  return kept.narrow(0, 0, count).clone();
}

}  // namespace

TORCH_LIBRARY_FRAGMENT(patchkit, m) {
  m.def("nms(Tensor boxes, Tensor scores, float iou, Tensor? classes=None) -> Tensor");
}

TORCH_LIBRARY_IMPL(patchkit, CPU, m) { m.impl("nms", TORCH_FN(nms_cpu)); }

}  // namespace patchkit::ops
