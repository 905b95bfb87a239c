// The part of CUDA that the kernels use, on a CPU: a launch runs its blocks one after the other, and a block's threads
// as fibers of one thread of the CPU, each until it waits for others. It is slow, and meant for small sizes.
//
// It watches as well: a thread that waits for one that ended, a shuffle without all lanes of a warp, and a row for a
// load of matrices that is not aligned, fail the launch with a sentence. Shared memory that the launch sized begins as
// NaN. The threads' order can be turned round (pk_cuda_emulate_backwards): what then gives other bits lacks a
// __syncthreads.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <utility>

#define PATCHKIT_EMULATED
#define __host__
#define __device__
#define __global__
#define __shared__ static
#define __launch_bounds__(...)
#define __forceinline__ inline

struct dim3 {
  unsigned x = 1, y = 1, z = 1;
  dim3(unsigned x = 1, unsigned y = 1, unsigned z = 1) : x(x), y(y), z(z) {}
};

enum cudaError_t {
  cudaSuccess = 0,
  cudaErrorInvalidValue = 1,
  cudaErrorInvalidConfiguration = 9,
  cudaErrorLaunchFailure = 719
};
enum cudaFuncAttribute { cudaFuncAttributeMaxDynamicSharedMemorySize = 8 };
using cudaStream_t = struct CUstream_st*;

extern dim3 threadIdx, blockIdx, blockDim, gridDim;

namespace patchkit::emulator {

// Runs the body for each thread of each block.
cudaError_t run(dim3 grid, dim3 block, size_t shared, const std::function<void()>& body);

void sync_block();
char* dynamic_shared();

inline constexpr size_t exchanged_bytes = 32;

// All lanes of a warp give their bytes; then each may look at those of all, until it gives some again.
const unsigned char (*exchange(const void* bytes, size_t size))[exchanged_bytes];

// Fails the launch; does not return.
[[noreturn]] void refuse(const char* sentence);

template <class T>
T of_lane(const unsigned char (*all)[exchanged_bytes], int lane) {
  T value;
  std::memcpy(&value, all[lane], sizeof value);
  return value;
}

template <class T>
T shuffle(unsigned mask, T value, int lane) {
  if (mask != 0xffffffffu) refuse("a shuffle leaves lanes of its warp out");
  const auto* all = exchange(&value, sizeof value);
  return of_lane<T>(all, lane);
}

template <class... Parameters, size_t... places>
cudaError_t launch(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments, size_t shared,
                   std::index_sequence<places...>) {
  return run(grid, block, shared, [&] { kernel(*static_cast<Parameters*>(arguments[places])...); });
}

}  // namespace patchkit::emulator

template <class... Parameters>
cudaError_t cudaLaunchKernel(void (*kernel)(Parameters...), dim3 grid, dim3 block, void** arguments, size_t shared,
                             cudaStream_t) {
  return patchkit::emulator::launch(kernel, grid, block, arguments, shared, std::index_sequence_for<Parameters...>{});
}

template <class Kernel>
cudaError_t cudaFuncSetAttribute(Kernel*, cudaFuncAttribute, int bytes) {
  return bytes <= 227 * 1024 ? cudaSuccess : cudaErrorInvalidValue;
}

inline cudaError_t cudaGetDevice(int* device) {
  *device = 0;
  return cudaSuccess;
}

inline cudaError_t cudaSetDevice(int device) { return device == 0 ? cudaSuccess : cudaErrorInvalidValue; }

const char* cudaGetErrorString(cudaError_t status);
inline cudaError_t cudaGetLastError() { return cudaSuccess; }

inline void __syncthreads() { patchkit::emulator::sync_block(); }

template <class T>
T __shfl_sync(unsigned mask, T value, int lane) {
  return patchkit::emulator::shuffle(mask, value, lane & 31);
}

template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits) {
  return patchkit::emulator::shuffle(mask, value, static_cast<int>(threadIdx.x % 32) ^ bits);
}

template <class T>
T __shfl_up_sync(unsigned mask, T value, int distance) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  return patchkit::emulator::shuffle(mask, value, lane < distance ? lane : lane - distance);
}

template <class T>
T __shfl_down_sync(unsigned mask, T value, int distance) {
  const int lane = static_cast<int>(threadIdx.x % 32);
  return patchkit::emulator::shuffle(mask, value, lane + distance > 31 ? lane : lane + distance);
}

// The compiler of the emulator is told to contract nothing.
inline float __fmul_rn(float a, float b) { return a * b; }

// -- what the tensor cores do, and shared memory (mma.cuh, device.cuh)
// -------------------------------------------------

namespace patchkit::cuda {

inline char* dynamic_shared() { return emulator::dynamic_shared(); }

inline float of_bits(uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

// To the nearest number of 11 bits, halves away from zero.
inline uint32_t to_tf32(float value) {
  uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7f800000u) == 0x7f800000u) return bits;
  return (bits + 0x1000u) & ~uint32_t{0x1fff};
}

void mma_bfloat16(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
void mma_tf32(float (&d)[4], const uint32_t (&a)[4], const uint32_t (&b)[2]);
void load_matrices(uint32_t (&words)[4], const void* row, bool transposed);

template <bool transposed>
void load_matrices(uint32_t (&words)[4], const void* row) {
  load_matrices(words, row, transposed);
}

}  // namespace patchkit::cuda
