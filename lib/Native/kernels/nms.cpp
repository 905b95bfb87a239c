// Non-maximum suppression: each box that is kept drops the later ones that it overlaps too much. Compiled without fused
// multiply-add, so that an overlap on the edge of the threshold falls as torchvision's does.
#include "nms.h"

#include <algorithm>

#include "memory.h"
#include "stop.h"

namespace patchkit::kernels {
namespace {

// The boxes in the order of their scores, one array for each edge.
template <class T>
struct Sorted {
  Sorted(int64_t count, const T* boxes, const int64_t* order, const int64_t* of_class)
      : memory(5 * count), group(count), left(memory.data()), top(left + count), right(top + count),
        bottom(right + count), area(bottom + count) {
    for (int64_t i = 0; i < count; ++i) {
      const T* box = boxes + 4 * order[i];
      left[i] = box[0];
      top[i] = box[1];
      right[i] = box[2];
      bottom[i] = box[3];
      area[i] = (box[2] - box[0]) * (box[3] - box[1]);
      group.data()[i] = of_class ? of_class[order[i]] : 0;
    }
  }

  Buffer<T> memory;
  Buffer<int64_t> group;
  T *left, *top, *right, *bottom, *area;
};

template <class T>
void drop_later(const Sorted<T>& boxes, int64_t kept, int64_t count, double iou, uint8_t* dropped) {
  const T left = boxes.left[kept], top = boxes.top[kept], right = boxes.right[kept], bottom = boxes.bottom[kept];
  const T area = boxes.area[kept];
  const int64_t* group = boxes.group.data();
  for (int64_t i = kept + 1; i < count; ++i) {
    const T width = std::max(T(0), std::min(right, boxes.right[i]) - std::max(left, boxes.left[i]));
    const T height = std::max(T(0), std::min(bottom, boxes.bottom[i]) - std::max(top, boxes.top[i]));
    const T shared = width * height;
    const T overlap = shared / (area + boxes.area[i] - shared);
    dropped[i] |= static_cast<double>(overlap) > iou && group[i] == group[kept];
  }
}

}  // namespace

template <class T>
int64_t nms(int64_t count, const T* boxes, const int64_t* order, const int64_t* classes, double iou, int64_t* kept) {
  const Sorted<T> sorted(count, boxes, order, classes);
  const Buffer<uint8_t> dropped(count);
  std::fill_n(dropped.data(), count, uint8_t(0));
  int64_t written = 0;
  for (int64_t i = 0; i < count; ++i) {
    if (dropped.data()[i]) continue;
    if (stop_requested()) return -1;
    kept[written++] = order[i];
    drop_later(sorted, i, count, iou, dropped.data());
  }
  return written;
}

template int64_t nms(int64_t, const float*, const int64_t*, const int64_t*, double, int64_t*);
template int64_t nms(int64_t, const double*, const int64_t*, const int64_t*, double, int64_t*);

}  // namespace patchkit::kernels
