#pragma once

#include <cstdint>

namespace patchkit::kernels {

// boxes (count, 4) as left, top, right, bottom, contiguous; order (count): the boxes by falling score; classes (count)
// or null. Writes the boxes that are kept, in that order, to `kept` (count); returns how many, or -1 when stopped.
template <class T>
int64_t nms(int64_t count, const T* boxes, const int64_t* order, const int64_t* classes, double iou, int64_t* kept);

}  // namespace patchkit::kernels
