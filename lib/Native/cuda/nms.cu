// Non-maximum suppression: which box would drop which, a thread for each box and each 64 others. Products are rounded by
// themselves, so that an overlap on the edge of the threshold falls as on the CPU.
#include "nms.h"

#include "device.cuh"

namespace patchkit::cuda {
namespace {

__device__ inline float product(float a, float b) { return __fmul_rn(a, b); }
__device__ inline double product(double a, double b) { return __dmul_rn(a, b); }

template <class T>
__device__ T smaller(T a, T b) {
  return a < b ? a : b;
}

template <class T>
__device__ T larger(T a, T b) {
  return a < b ? b : a;
}

template <class T>
__device__ bool overlap_above(const T* a, const T* b, double iou) {
  const T width = larger(T(0), smaller(a[2], b[2]) - larger(a[0], b[0]));
  const T height = larger(T(0), smaller(a[3], b[3]) - larger(a[1], b[1]));
  const T shared = product(width, height);
  const T either = product(a[2] - a[0], a[3] - a[1]) + product(b[2] - b[0], b[3] - b[1]) - shared;
  return static_cast<double>(shared / either) > iou;
}

template <class T>
__global__ void drops_kernel(int64_t count, int64_t words, const T* boxes, const int64_t* classes, double iou,
                             int64_t* drops) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= count * words) return;
  const int64_t kept = index / words, first = index % words * nms_word;
  uint64_t bits = 0;
  for (int64_t i = first > kept ? first : kept + 1; i < first + nms_word && i < count; ++i)
    if ((!classes || classes[i] == classes[kept]) && overlap_above(boxes + 4 * kept, boxes + 4 * i, iou))
      bits |= uint64_t(1) << (i - first);
  drops[index] = static_cast<int64_t>(bits);
}

}  // namespace

template <class T>
cudaError_t nms_drops(int64_t count, const T* boxes, const int64_t* classes, double iou, int64_t* drops,
                      cudaStream_t stream) {
  const int64_t words = nms_words(count);
  return launch(drops_kernel<T>, blocks_for(count * words, largest_block), largest_block, stream, count, words, boxes,
                classes, iou, drops);
}

template cudaError_t nms_drops(int64_t, const float*, const int64_t*, double, int64_t*, cudaStream_t);
template cudaError_t nms_drops(int64_t, const double*, const int64_t*, double, int64_t*, cudaStream_t);

}  // namespace patchkit::cuda
