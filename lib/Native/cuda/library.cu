// What the library is, why a launch failed, and the sums that all operators end with.
#include <cstdio>
#include <cstring>

#include "launch.cuh"

namespace patchkit::cuda {
namespace {

thread_local char sentence[512];

constexpr int sum_columns = 32, sum_lanes = 8;

// A block for 32 columns: eight threads share a column's rows, so that neighbours read neighbours.
__global__ void sum_rows_kernel(const float* sums, int64_t rows, int64_t row_stride, int64_t columns, float* out,
                                int64_t inner, int64_t inner_stride) {
  __shared__ float parts[sum_lanes][sum_columns];
  const int place = threadIdx.x % sum_columns, lane = threadIdx.x / sum_columns;
  const int64_t column = int64_t{blockIdx.x} * sum_columns + place;
  float sum = 0;
  if (column < columns)
    for (int64_t row = lane; row < rows; row += sum_lanes) sum += sums[row * row_stride + column];
  parts[lane][place] = sum;
  __syncthreads();
  if (lane != 0 || column >= columns) return;
  for (int other = 1; other < sum_lanes; ++other) sum += parts[other][place];
  out[column % inner * inner_stride + column / inner] = sum;
}

}  // namespace

int32_t fail(cudaError_t status, const char* kernel, int64_t blocks, int threads, int64_t shared) {
  std::snprintf(sentence, sizeof sentence,
                "%s (%lld blocks of %d threads, %lld bytes of shared memory): CUDA error %d, %s", kernel,
                static_cast<long long>(blocks), threads, static_cast<long long>(shared), static_cast<int>(status),
                cudaGetErrorString(status));
  cudaGetLastError();  // it is told here; the next call must not find it
  return static_cast<int32_t>(status);
}

void sum_rows(Launcher& launch, const char* name, const float* sums, int64_t rows, int64_t row_stride, int64_t columns,
              float* out, int64_t inner, int64_t inner_stride) {
  launch(name, sum_rows_kernel, blocks_for(columns, sum_columns), sum_columns * sum_lanes, 0, sums, rows, row_stride,
         columns, out, inner, inner_stride);
}

}  // namespace patchkit::cuda

PK_API int32_t pk_cuda_version() { return patchkit::cuda::version; }

// The sentence about the calling thread's last failure; at most room bytes with the 0 at the end.
PK_API void pk_cuda_failure(char* text, int64_t room) {
  std::snprintf(text, static_cast<size_t>(room), "%s", patchkit::cuda::sentence);
}
