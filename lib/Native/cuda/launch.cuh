// How an entry runs its kernels: on a device and a stream, with a sentence about the launch that failed.
#pragma once

#include <climits>

#include "api/abi.h"
#include "api/calls.h"
#include "device.cuh"

namespace patchkit::cuda {

// Grows with every change of an entry or of a struct of calls.h; C# refuses a library of another version.
inline constexpr int32_t version = 1;

// Where an entry runs. The workspace has as many bytes as the entry's _workspace says; C# lays the struct out alike.
struct Place {
  void* workspace;
  cudaStream_t stream;
  int32_t device, unused;
};

// Keeps the sentence about a failure for pk_cuda_failure, and gives its code.
int32_t fail(cudaError_t status, const char* kernel, int64_t blocks, int threads, int64_t shared);

// -- sizes ---------------------------------------------------------------------------------------------------------

// Threads of a block that works through `items`: whole warps.
inline int threads_for(int64_t items) {
  const int64_t warps = (items + warp_size - 1) / warp_size;
  return static_cast<int>(warps * warp_size < largest_block ? warps * warp_size : largest_block);
}

inline int64_t blocks_for(int64_t items, int threads) { return (items + threads - 1) / threads; }

// A part of a workspace; with no workspace, its size is counted all the same.
class Carver {
 public:
  explicit Carver(void* workspace) : start_(static_cast<char*>(workspace)) {}

  template <class T>
  T* take(int64_t count) {
    char* at = start_ == nullptr ? nullptr : start_ + bytes_;
    bytes_ += (count * static_cast<int64_t>(sizeof(T)) + 255) / 256 * 256;
    return reinterpret_cast<T*>(at);
  }

  int64_t bytes() const { return bytes_; }

 private:
  char* start_;
  int64_t bytes_ = 0;
};

// -- launches ------------------------------------------------------------------------------------------------------

template <class T>
struct SameType {
  using type = T;
};

// Launches kernels on the place's device until one fails.
class Launcher {
 public:
  explicit Launcher(const Place& place) : stream_(place.stream) {
    status_ = cudaGetDevice(&before_);
    if (status_ == cudaSuccess && before_ != place.device) status_ = cudaSetDevice(place.device);
    if (status_ != cudaSuccess) code_ = fail(status_, "choosing the device", 0, 0, 0);
    changed_ = before_ != place.device;
  }

  ~Launcher() {
    if (changed_) cudaSetDevice(before_);
  }

  Launcher(const Launcher&) = delete;
  Launcher& operator=(const Launcher&) = delete;

  template <class... Parameters>
  void operator()(const char* name, void (*kernel)(Parameters...), int64_t blocks, int threads, int64_t shared,
                  typename SameType<Parameters>::type... arguments) {
    if (code_ != 0 || blocks == 0) return;
    if (blocks > INT_MAX) {
      code_ = fail(cudaErrorInvalidConfiguration, name, blocks, threads, shared);
      return;
    }
    void* pointers[] = {const_cast<void*>(static_cast<const void*>(&arguments))...};
    // More than this needs asking for.
    if (shared > 48 * 1024)
      status_ = cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize, static_cast<int>(shared));
    if (status_ == cudaSuccess)
      status_ = cudaLaunchKernel(kernel, dim3(static_cast<unsigned>(blocks)), dim3(static_cast<unsigned>(threads)),
                                 pointers, static_cast<size_t>(shared), stream_);
    if (status_ != cudaSuccess) code_ = fail(status_, name, blocks, threads, shared);
  }

  // 0, or CUDA's number of what failed.
  int32_t result() const { return code_; }

 private:
  cudaStream_t stream_;
  cudaError_t status_;
  int before_ = 0;
  bool changed_ = false;
  int32_t code_ = 0;
};

// Adds up the rows of (rows, columns) sums and writes column c to out[c % inner * inner_stride + c / inner]: the last
// step of a gradient that blocks have contributed to, in an order that never changes.
void sum_rows(Launcher& launch, const char* name, const float* sums, int64_t rows, int64_t row_stride, int64_t columns,
              float* out, int64_t inner, int64_t inner_stride);

// -- types ---------------------------------------------------------------------------------------------------------

inline constexpr int32_t float16 = 5;  // beside those of api/abi.h

// body(an element of the call's type); -1 where the type is another one.
template <class Body>
auto of_type(int32_t type, Body&& body) -> decltype(body(float{})) {
  switch (type) {
    case api::float32: return body(float{});
    case api::bfloat16: return body(__nv_bfloat16{});
    case float16: return body(__half{});
    default: return -1;
  }
}

}  // namespace patchkit::cuda
