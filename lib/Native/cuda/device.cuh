// What the kernels use of CUDA beyond the language itself: conversions, a few functions, reductions, launches.
#pragma once

#include <cuda_runtime.h>

#include <climits>
#include <cstdint>

#include "elements.h"

namespace patchkit::cuda {

inline constexpr int warp_size = 32;
inline constexpr int largest_block = 256;

// -- elements ------------------------------------------------------------------------------------------------------

__device__ inline double widen(double value) { return value; }
__device__ inline float widen(float value) { return value; }
__device__ inline float widen(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ inline float widen(__half value) { return __half2float(value); }

template <class E>
__device__ E narrow(Arithmetic<E> value) {
  if constexpr (std::is_same_v<E, __nv_bfloat16>) return __float2bfloat16(value);
  else if constexpr (std::is_same_v<E, __half>) return __float2half(value);
  else return value;
}

// -- functions -----------------------------------------------------------------------------------------------------

__device__ inline float exponential(float value) { return expf(value); }
__device__ inline double exponential(double value) { return exp(value); }
__device__ inline float log_one_plus(float value) { return log1pf(value); }
__device__ inline double log_one_plus(double value) { return log1p(value); }
__device__ inline float square_root(float value) { return sqrtf(value); }
__device__ inline double square_root(double value) { return sqrt(value); }

template <class T>
__device__ T sigmoid(T value) {
  return 1 / (1 + exponential(-value));
}

template <class T>
__device__ T silu(T value) {
  return value * sigmoid(value);
}

template <class T>
__device__ T silu_slope(T value) {
  const T open = sigmoid(value);
  return open * (1 + value * (1 - open));
}

template <class T>
__device__ T softplus(T value) {
  return value > 20 ? value : log_one_plus(exponential(value));
}

template <class T>
__device__ T softplus_slope(T value) {
  return value > 20 ? T(1) : sigmoid(value);
}

// -- reductions: every thread of the warp or block takes part, in an order that never changes ----------------------

template <class T>
__device__ T warp_sum(T value) {
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

// The sum of the values of this lane and those before it, or (backward) after it.
enum class Order { onward, backward };

template <Order order, class T>
__device__ T warp_running_sum(T value) {
  const int lane = threadIdx.x % warp_size;
  for (int distance = 1; distance < warp_size; distance *= 2) {
    const T other = order == Order::onward ? __shfl_up_sync(0xffffffffu, value, distance)
                                           : __shfl_down_sync(0xffffffffu, value, distance);
    if (order == Order::onward ? lane >= distance : lane + distance < warp_size) value += other;
  }
  return value;
}

template <class T>
__device__ T block_sum(T value) {
  __shared__ T warp_sums[largest_block / warp_size];
  value = warp_sum(value);
  if (threadIdx.x % warp_size == 0) warp_sums[threadIdx.x / warp_size] = value;
  __syncthreads();
  T sum = 0;
  for (unsigned warp = 0; warp < blockDim.x / warp_size; ++warp) sum += warp_sums[warp];
  __syncthreads();  // before the next call writes warp_sums
  return sum;
}

// -- launches ------------------------------------------------------------------------------------------------------

// Threads of a block that works through `items`: whole warps.
inline int threads_for(int64_t items) {
  const int64_t warps = (items + warp_size - 1) / warp_size;
  return static_cast<int>(warps * warp_size < largest_block ? warps * warp_size : largest_block);
}

inline int64_t blocks_for(int64_t items, int threads) { return (items + threads - 1) / threads; }

template <class T>
struct SameType {
  using type = T;
};

template <class... Parameters>
cudaError_t launch(void (*kernel)(Parameters...), int64_t blocks, int threads, cudaStream_t stream,
                   typename SameType<Parameters>::type... arguments) {
  if (blocks == 0) return cudaSuccess;
  if (blocks > INT_MAX) return cudaErrorInvalidConfiguration;
  void* pointers[] = {const_cast<void*>(static_cast<const void*>(&arguments))...};
  return cudaLaunchKernel(kernel, dim3(static_cast<unsigned>(blocks)), dim3(threads), pointers, 0, stream);
}

}  // namespace patchkit::cuda
