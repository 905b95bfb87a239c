// Non-maximum suppression. First which box would drop which, a thread for each box and each 64 others; then one block
// goes through the boxes, 64 at a time. Products are rounded by themselves, so that an overlap on the edge of the
// threshold falls as on the CPU.
#include "launch.cuh"

namespace patchkit::cuda {
namespace {

inline constexpr int word_bits = 64;

__device__ inline float smaller(float a, float b) { return a < b ? a : b; }

__device__ inline float larger(float a, float b) { return a < b ? b : a; }

__device__ inline bool overlap_above(const float* a, const float* b, double iou) {
  const float width = larger(0, smaller(a[2], b[2]) - larger(a[0], b[0]));
  const float height = larger(0, smaller(a[3], b[3]) - larger(a[1], b[1]));
  const float shared = __fmul_rn(width, height);
  const float either = __fmul_rn(a[2] - a[0], a[3] - a[1]) + __fmul_rn(b[2] - b[0], b[3] - b[1]) - shared;
  return static_cast<double>(shared / either) > iou;
}

// Bit i % 64 of drops[kept, i / 64] says that box order[kept] drops the later order[i].
__global__ void drops_kernel(int64_t count, int64_t words, const float* boxes, const int64_t* order,
                             const int64_t* classes, double iou, uint64_t* drops) {
  const int64_t index = static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
  if (index >= count * words) return;
  const int64_t kept = index / words, first = index % words * word_bits, box = order[kept];
  uint64_t bits = 0;
  for (int64_t i = first > kept ? first : kept + 1; i < first + word_bits && i < count; ++i) {
    const int64_t other = order[i];
    if ((!classes || classes[other] == classes[box]) && overlap_above(boxes + 4 * box, boxes + 4 * other, iou))
      bits |= uint64_t{1} << (i - first);
  }
  drops[index] = bits;
}

// One block. `dropped` (words) begins as anything.
__global__ void keep_kernel(int64_t count, int64_t words, const uint64_t* drops, const int64_t* order,
                            uint64_t* dropped, int64_t* kept, int64_t* kept_count) {
  __shared__ uint64_t keeps;
  for (int64_t word = threadIdx.x; word < words; word += blockDim.x) dropped[word] = 0;
  __syncthreads();
  int64_t total = 0;
  for (int64_t word = 0; word < words; ++word) {
    if (threadIdx.x == 0) {
      uint64_t gone = dropped[word], keep = 0;
      for (int bit = 0; bit < word_bits && word * word_bits + bit < count; ++bit) {
        if (gone >> bit & 1) continue;
        keep |= uint64_t{1} << bit;
        gone |= drops[(word * word_bits + bit) * words + word];
        kept[total++] = order[word * word_bits + bit];
      }
      keeps = keep;
    }
    __syncthreads();
    const uint64_t keep = keeps;
    for (int64_t later = word + 1 + threadIdx.x; later < words; later += blockDim.x) {
      uint64_t gone = dropped[later];
      for (int bit = 0; bit < word_bits; ++bit)
        if (keep >> bit & 1) gone |= drops[(word * word_bits + bit) * words + later];
      dropped[later] = gone;
    }
    __syncthreads();
  }
  if (threadIdx.x == 0) *kept_count = total;
}

int64_t words_of(int64_t count) { return (count + word_bits - 1) / word_bits; }

}  // namespace
}  // namespace patchkit::cuda

using namespace patchkit::cuda;

PK_API int64_t pk_cuda_nms_workspace(int64_t count) {
  return (count + 1) * words_of(count) * static_cast<int64_t>(sizeof(uint64_t));
}

// boxes (count, 4) in float32, order (count), classes (count) or null, as in kernels/nms.h. Writes what is kept, and
// how much that is, on the device.
PK_API int32_t pk_cuda_nms(int64_t count, const float* boxes, const int64_t* order, const int64_t* classes, double iou,
                           int64_t* kept, int64_t* kept_count, const Place* place) {
  Launcher launch(*place);
  const int64_t words = words_of(count);
  auto* drops = static_cast<uint64_t*>(place->workspace);
  launch("nms: which box drops which", drops_kernel, blocks_for(count * words, largest_block), largest_block, 0, count,
         words, boxes, order, classes, iou, drops);
  launch("nms: what is kept", keep_kernel, 1, largest_block, 0, count, words, drops, order, drops + count * words, kept,
         kept_count);
  return launch.result();
}
