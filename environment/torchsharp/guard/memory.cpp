// The memory of CPU tensors: malloc, with live and peak bytes counted and, where one is set, a limit to them. libtorch
// asks c10::alloc_cpu and c10::free_cpu, and finds these here, for the guard comes before libc10.so in its search.
//
// libtorch's own takes posix_memalign, which before glibc 2.38 finds no use for a freed block of just the size it
// wants: it looks for one that is larger by the alignment. A heap of large blocks then grows to twice what is in use (a
// step of adventurer-base over 50,177 tokens: 8.6 GiB of tensors in 18.5 GiB). malloc takes the freed block.
#include <malloc.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <stdexcept>
#include <string>

#include "guard.h"

namespace {

std::atomic<int64_t> live_bytes{0};
std::atomic<int64_t> live_blocks{0};
std::atomic<int64_t> peak_bytes{0};
std::atomic<int64_t> limit_bytes{0};  // 0: none

constexpr size_t alignment = 64;

void count(int64_t bytes) {
  const int64_t live = live_bytes.fetch_add(bytes, std::memory_order_relaxed) + bytes;
  int64_t peak = peak_bytes.load(std::memory_order_relaxed);
  while (live > peak && !peak_bytes.compare_exchange_weak(peak, live, std::memory_order_relaxed)) {
  }
}

// A tensor that nobody disposes is freed by C#'s garbage collector, which sees 100 bytes of it and so does not hurry. A
// thread of C# waits here until tensors hold more than some bytes, collects, and comes back with a new number. Who
// needs memory meanwhile waits for it, but not for long: what the collector frees may need a lock that the waiting
// thread has.
std::atomic<int64_t> watermark{INT64_MAX};  // none while no thread waits
constexpr auto longest_wait = std::chrono::milliseconds(50);

struct Watch {
  std::mutex mutex;
  std::condition_variable crossed, collected;
};
Watch& watch = *new Watch;  // for good: a process may end while a thread waits

void wait_for_the_collector() {
  std::unique_lock<std::mutex> lock(watch.mutex);
  const int64_t before = watermark.load();
  if (live_bytes.load() <= before) return;
  watch.crossed.notify_one();
  watch.collected.wait_for(lock, longest_wait,
                           [&] { return watermark.load() != before || live_bytes.load() <= before; });
}

// TorchSharp catches a std::runtime_error, and libtorch lets it pass.
[[noreturn]] void refuse(size_t n, const std::string& why) {
  throw std::runtime_error("can't allocate memory: " + std::to_string(n) + " bytes were asked for" + why);
}

// What malloc gave, kept in the word before the block.
void*& origin_of(void* block) { return static_cast<void**>(block)[-1]; }

}  // namespace

namespace c10 {

__attribute__((visibility("default"))) void* alloc_cpu(size_t n) {
  if (n == 0) return nullptr;
  const int64_t limit = limit_bytes.load(std::memory_order_relaxed);
  if (limit != 0) {
    const int64_t live = live_bytes.load(std::memory_order_relaxed);
    if (n > static_cast<uint64_t>(std::max<int64_t>(limit - live, 0))) {
      refuse(n, ", but tensors hold " + std::to_string(live) + " of the " + std::to_string(limit) +
                    " bytes that they may");
    }
  }
  auto* origin = static_cast<char*>(n < PTRDIFF_MAX - alignment ? std::malloc(n + alignment) : nullptr);
  if (origin == nullptr) refuse(n, "");
  char* block = origin + alignment - reinterpret_cast<uintptr_t>(origin) % alignment;
  origin_of(block) = origin;
  count(static_cast<int64_t>(malloc_usable_size(origin)));
  live_blocks.fetch_add(1, std::memory_order_relaxed);
  if (live_bytes.load(std::memory_order_relaxed) > watermark.load(std::memory_order_relaxed)) wait_for_the_collector();
  return block;
}

__attribute__((visibility("default"))) void free_cpu(void* block) {
  if (block == nullptr) return;
  void* origin = origin_of(block);
  live_bytes.fetch_sub(static_cast<int64_t>(malloc_usable_size(origin)), std::memory_order_relaxed);
  live_blocks.fetch_sub(1, std::memory_order_relaxed);
  std::free(origin);
}

}  // namespace c10

GUARD_API int64_t pkg_memory_live() { return live_bytes.load(); }
GUARD_API int64_t pkg_memory_peak() { return peak_bytes.load(); }
GUARD_API int64_t pkg_memory_blocks() { return live_blocks.load(); }
GUARD_API void pkg_memory_reset_peak() { peak_bytes.store(live_bytes.load()); }

// Beyond so many bytes a CPU tensor is refused as out of memory; 0 for no limit.
GUARD_API void pkg_memory_limit(int64_t bytes) { limit_bytes.store(bytes); }

// Comes back when tensors hold more than so many bytes. One thread calls it, again and again.
GUARD_API void pkg_memory_wait_above(int64_t bytes) {
  std::unique_lock<std::mutex> lock(watch.mutex);
  watermark.store(bytes);
  watch.collected.notify_all();
  watch.crossed.wait(lock, [&] { return live_bytes.load() > bytes; });
}
