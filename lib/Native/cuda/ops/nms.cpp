// patchkit::nms on CUDA: the device finds which box would drop which, the host goes through them by falling score.

#include "../nms.h"

#include <algorithm>
#include <vector>

#include "../../ops/nms.h"
#include "support.h"

namespace patchkit::ops {
namespace {

Tensor nms_cuda(const Tensor& boxes_any, const Tensor& scores, double iou, const Optional<Tensor>& classes_any) {
  check_nms_operands(boxes_any, scores, classes_any);
  const Scope scope(boxes_any);
  const int64_t count = boxes_any.size(0), words = cuda::nms_words(count);
  const Tensor order = std::get<1>(scores.sort(/*stable=*/true, /*dim=*/0, /*descending=*/true));
  const at::ScalarType type = boxes_any.scalar_type() == at::kDouble ? at::kDouble : at::kFloat;
  const Tensor boxes = boxes_any.to(type).index_select(0, order).contiguous();
  const Tensor classes =
      classes_any.has_value() ? classes_any->to(at::kLong).index_select(0, order).contiguous() : Tensor();
  const Tensor drops = at::empty({count, words}, order.options());
  const auto start = [&](auto element) {
    using T = typename decltype(element)::type;
    check_started(cuda::nms_drops<T>(count, data_of<const T>(boxes), data_of<const int64_t>(classes), iou,
                                     data_of<int64_t>(drops), stream_of(boxes)),
                  "nms");
  };
  if (type == at::kDouble)
    start(Element<double>{});
  else
    start(Element<float>{});

  const Tensor here = drops.cpu();
  const int64_t* bits = data_of<const int64_t>(here);
  std::vector<uint64_t> dropped(words);
  std::vector<int64_t> kept;
  for (int64_t i = 0; i < count; ++i) {
    if (dropped[i / cuda::nms_word] >> (i % cuda::nms_word) & 1) continue;
    kept.push_back(i);
    for (int64_t w = 0; w < words; ++w) dropped[w] |= static_cast<uint64_t>(bits[i * words + w]);
  }
  const Tensor places = at::empty({static_cast<int64_t>(kept.size())}, order.options().device(at::kCPU));
  std::copy(kept.begin(), kept.end(), data_of<int64_t>(places));
  return order.index_select(0, places.to(order.device()));
}

}  // namespace

TORCH_LIBRARY_IMPL(patchkit, CUDA, m) { m.impl("nms", TORCH_FN(nms_cuda)); }

}  // namespace patchkit::ops
