// The allocator of CPU tensors: malloc, with live and peak bytes counted and, where one is set, a limit to them. Beside
// it, what libtorch's allocator on a GPU counts.
//
// libtorch's own takes posix_memalign, which before glibc 2.38 finds no use for a freed block of just the size it wants:
// it looks for one that is larger by the alignment. A heap of large blocks then grows to twice what is in use (a step of
// adventurer-base over 50,177 tokens: 8.6 GiB of tensors in 18.5 GiB). malloc takes the freed block.
#include <c10/core/Allocator.h>
#include <c10/core/CPUAllocator.h>
#include <c10/util/Exception.h>
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <cstdlib>
#include <cstring>

#include "bridge/device_memory.h"
#include "bridge/guard.h"

namespace patchkit {

namespace {
DeviceMemoryReader device_memory{};
}

void set_device_memory_reader(const DeviceMemoryReader& reader) { device_memory = reader; }

}  // namespace patchkit

namespace {

std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> live_blocks{0};
std::atomic<int64_t> peak_bytes{0};
std::atomic<int64_t> limit_bytes{0};  // 0: none

constexpr size_t alignment = 64;

void count(int64_t bytes) {
  int64_t live = live_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t peak = peak_bytes.load(std::memory_order_relaxed);
  while (live > peak && !peak_bytes.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
  }
}

// What malloc gave, kept in the word before the block.
void*& origin_of(void* block) { return static_cast<void**>(block)[-1]; }

void counted_delete(void* block) {
  if (block == nullptr) return;
  void* origin = origin_of(block);
  live_bytes.fetch_sub(static_cast<int64_t>(malloc_usable_size(origin)), std::memory_order_relaxed);
  live_blocks.fetch_sub(1, std::memory_order_relaxed);
  std::free(origin);
}

void* counted_allocate(size_t n) {
  if (n == 0) return nullptr;
  const int64_t limit = limit_bytes.load(std::memory_order_relaxed), live = live_bytes.load(std::memory_order_relaxed);
  TORCH_CHECK_WITH(OutOfMemoryError, limit == 0 || n <= static_cast<uint64_t>(std::max<int64_t>(limit - live, 0)),
                   "can't allocate memory: ", n, " bytes were asked for, but tensors hold ", live, " of the ", limit,
                   " bytes that they may");
  auto* origin = static_cast<char*>(n < SIZE_MAX - alignment ? std::malloc(n + alignment) : nullptr);
  TORCH_CHECK_WITH(OutOfMemoryError, origin != nullptr, "can't allocate memory: ", n, " bytes were asked for");
  char* block = origin + alignment - reinterpret_cast<uintptr_t>(origin) % alignment;
  origin_of(block) = origin;
  count(static_cast<int64_t>(malloc_usable_size(origin)));
  live_blocks.fetch_add(1, std::memory_order_relaxed);
  return block;
}

// allocate() is const in some libtorchs and not in others: both are here, one of them overrides.
struct CountingAllocator final : c10::Allocator {
  c10::DataPtr counted(size_t n) const {
    void* block = counted_allocate(n);
    return {block, block, &counted_delete, c10::Device(c10::kCPU)};
  }
  c10::DataPtr allocate(size_t n) { return counted(n); }
  c10::DataPtr allocate(size_t n) const { return counted(n); }
  c10::DeleterFnPtr raw_deleter() const override { return &counted_delete; }
  void copy_data(void* dest, const void* src, std::size_t count) const { std::memcpy(dest, src, count); }
};

bool install() {
  static CountingAllocator allocator;
  c10::SetCPUAllocator(&allocator, /*priority=*/100);
  return true;
}

const bool installed = install();

}  // namespace

// out: live bytes, peak bytes since the last reset, live blocks.
PK_API void pk_cpu_memory(int64_t* out) {
  out[0] = live_bytes.load();
  out[1] = peak_bytes.load();
  out[2] = live_blocks.load();
}

PK_API void pk_reset_peak_cpu_memory() { peak_bytes.store(live_bytes.load()); }

// Beyond so many bytes a CPU tensor is refused as out of memory; 0 for no limit.
PK_API void pk_limit_cpu_memory(int64_t bytes) { limit_bytes.store(bytes); }

// out: total bytes of a CUDA device, bytes that tensors may still take, live bytes, peak bytes since the last reset.
// 1 when they are known, 0 where the library was built without CUDA.
PK_API int32_t pk_cuda_memory(int32_t index, int64_t* out) {
  return patchkit::guarded(-1, [&] {
    if (patchkit::device_memory.read == nullptr) return 0;
    patchkit::device_memory.read(index, out);
    return 1;
  });
}

PK_API int32_t pk_reset_peak_cuda_memory(int32_t index) {
  return patchkit::guarded(-1, [&] {
    if (patchkit::device_memory.reset_peak != nullptr) patchkit::device_memory.reset_peak(index);
    return 0;
  });
}

// Gives what libtorch keeps of a GPU's memory, and no tensor holds, back to the driver.
PK_API int32_t pk_empty_cuda_cache() {
  return patchkit::guarded(-1, [&] {
    if (patchkit::device_memory.empty_cache != nullptr) patchkit::device_memory.empty_cache();
    return 0;
  });
}
