#pragma once

#include <cuda_runtime_api.h>

#include <cstdint>

namespace patchkit::cuda {

inline constexpr int nms_word = 64;

inline std::int64_t nms_words(std::int64_t count) { return (count + nms_word - 1) / nms_word; }

// boxes (count, 4) and classes (count) or null, by falling score. Bit i % 64 of drops[kept, i / 64] says that box `kept`
// drops the later box i.
template <class T>
cudaError_t nms_drops(std::int64_t count, const T* boxes, const std::int64_t* classes, double iou, std::int64_t* drops,
                      cudaStream_t stream);

}  // namespace patchkit::cuda
