// What libtorch's caching allocator counts, and the driver beside it.

#include <ATen/ATen.h>
#include <c10/cuda/CUDACachingAllocator.h>
#include <c10/cuda/CUDAException.h>
#include <c10/cuda/CUDAGuard.h>
#include <cuda_runtime_api.h>

#include "../../bridge/device_memory.h"

namespace patchkit {
namespace {

namespace allocator = c10::cuda::CUDACachingAllocator;

// The allocator knows a device once a tensor has been made there.
void wake(int32_t index) { at::empty({0}, at::device(c10::Device(c10::kCUDA, static_cast<c10::DeviceIndex>(index)))); }

void read(int32_t index, int64_t* out) {
  wake(index);
  const c10::cuda::CUDAGuard guard(static_cast<c10::DeviceIndex>(index));
  size_t free = 0, total = 0;
  C10_CUDA_CHECK(cudaMemGetInfo(&free, &total));
  // The statistics' type has a name of its own in each libtorch; place 0 is the sum over its pools in all of them.
  const auto stats = allocator::getDeviceStats(static_cast<c10::DeviceIndex>(index));
  const auto& live = stats.allocated_bytes[0];
  out[0] = static_cast<int64_t>(total);
  out[1] = static_cast<int64_t>(free) + stats.reserved_bytes[0].current - live.current;
  out[2] = live.current;
  out[3] = live.peak;
}

void reset_peak(int32_t index) {
  wake(index);
  allocator::resetPeakStats(static_cast<c10::DeviceIndex>(index));
}

void empty_cache() { allocator::emptyCache(); }

const bool known = (set_device_memory_reader({&read, &reset_peak, &empty_cache}), true);

}  // namespace
}  // namespace patchkit
