// Non-maximum suppression, over all boxes or within classes.
#include "kernels/nms.h"

#include "api/abi.h"

using namespace patchkit;

// boxes (count, 4), order (count), classes (count) or null, as in kernels/nms.h. Writes what is kept and how much that
// is.
PK_API int32_t pk_nms(int64_t count, const void* boxes, int32_t type, const int64_t* order, const int64_t* classes,
                      double iou, int64_t* kept, int64_t* kept_count) {
  return api::run_floating(type, [&](auto number) {
    using T = decltype(number);
    *kept_count = kernels::nms<T>(count, static_cast<const T*>(boxes), order, classes, iou, kept);
    return *kept_count >= 0;
  });
}
