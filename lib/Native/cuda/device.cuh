// What the kernels use of CUDA beyond the language itself: conversions, a few functions, reductions.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>

#include "elements.h"

namespace patchkit::cuda {

inline constexpr int warp_size = 32;
inline constexpr int largest_block = 256;

// -- elements ------------------------------------------------------------------------------------------------------

__device__ __forceinline__ float widen(float value) { return value; }
__device__ __forceinline__ float widen(__nv_bfloat16 value) { return __bfloat162float(value); }
__device__ __forceinline__ float widen(__half value) { return __half2float(value); }

template <class E>
__device__ __forceinline__ E narrow(float value) {
  if constexpr (std::is_same_v<E, __nv_bfloat16>)
    return __float2bfloat16(value);
  else if constexpr (std::is_same_v<E, __half>)
    return __float2half(value);
  else
    return value;
}

// Two neighbours, in one access where their place allows it.
template <class E>
__device__ __forceinline__ void store_pair(E* at, float first, float second) {
  struct alignas(2 * sizeof(E)) Pair {
    E first, second;
  };
  const Pair pair{narrow<E>(first), narrow<E>(second)};
  if (reinterpret_cast<uintptr_t>(at) % sizeof(Pair) == 0) {
    *reinterpret_cast<Pair*>(at) = pair;
  } else {
    at[0] = pair.first;
    at[1] = pair.second;
  }
}

struct Two {
  float first, second;
};

// Two neighbours, in one access where their place allows it; the second is 0 where there is none.
template <class E>
__device__ __forceinline__ Two load_pair(const E* at, bool both) {
  struct alignas(2 * sizeof(E)) Pair {
    E first, second;
  };
  if (both && reinterpret_cast<uintptr_t>(at) % sizeof(Pair) == 0) {
    const Pair pair = *reinterpret_cast<const Pair*>(at);
    return {widen(pair.first), widen(pair.second)};
  }
  return {widen(at[0]), both ? widen(at[1]) : 0.0f};
}

// -- functions -----------------------------------------------------------------------------------------------------

__device__ __forceinline__ float sigmoid(float value) { return 1 / (1 + expf(-value)); }

__device__ __forceinline__ float silu(float value) { return value * sigmoid(value); }

__device__ __forceinline__ float silu_slope(float value) {
  const float open = sigmoid(value);
  return open * (1 + value * (1 - open));
}

__device__ __forceinline__ float softplus(float value) { return value > 20 ? value : log1pf(expf(value)); }

__device__ __forceinline__ float softplus_slope(float value) { return value > 20 ? 1.0f : sigmoid(value); }

// -- reductions: every thread of the warp or block takes part, in an order that never changes ----------------------

template <class T>
__device__ __forceinline__ T warp_sum(T value) {
  for (int distance = warp_size / 2; distance > 0; distance /= 2)
    value += __shfl_xor_sync(0xffffffffu, value, distance);
  return value;
}

// The sum of the values of this lane and those before it, or (backward) after it.
enum class Order { onward, backward };

template <Order order, class T>
__device__ __forceinline__ T warp_running_sum(T value) {
  const int lane = threadIdx.x % warp_size;
  for (int distance = 1; distance < warp_size; distance *= 2) {
    const T other = order == Order::onward ? __shfl_up_sync(0xffffffffu, value, distance)
                                           : __shfl_down_sync(0xffffffffu, value, distance);
    if (order == Order::onward ? lane >= distance : lane + distance < warp_size) value += other;
  }
  return value;
}

__device__ __forceinline__ float block_sum(float value) {
  __shared__ float warp_sums[largest_block / warp_size];
  value = warp_sum(value);
  if (threadIdx.x % warp_size == 0) warp_sums[threadIdx.x / warp_size] = value;
  __syncthreads();
  float sum = 0;
  for (unsigned warp = 0; warp < blockDim.x / warp_size; ++warp) sum += warp_sums[warp];
  __syncthreads();  // before the next call writes warp_sums
  return sum;
}

// -- shared memory whose size the launch says ----------------------------------------------------------------------

#ifndef PATCHKIT_EMULATED
__device__ __forceinline__ char* dynamic_shared() {
  extern __shared__ uint4 patchkit_shared[];
  return reinterpret_cast<char*>(patchkit_shared);
}
#endif

// Cuts it into parts; on the host, from nothing, it counts them.
class SharedCarver {
 public:
  __host__ __device__ explicit SharedCarver(char* start) : start_(start) {}

  template <class T>
  __host__ __device__ __forceinline__ T* take(int count) {
    char* at = start_ + bytes_;
    bytes_ += (count * static_cast<int>(sizeof(T)) + 15) / 16 * 16;
    return reinterpret_cast<T*>(at);
  }

  __host__ __device__ __forceinline__ int bytes() const { return bytes_; }

 private:
  char* start_;
  int bytes_ = 0;
};

}  // namespace patchkit::cuda
