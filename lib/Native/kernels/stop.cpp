#include "kernels/stop.h"

#include <atomic>

namespace patchkit {

namespace {
std::atomic<bool> stop_flag{false};
}  // namespace

bool stop_requested() noexcept { return stop_flag.load(std::memory_order_relaxed); }
void request_stop(bool stop) noexcept { stop_flag.store(stop, std::memory_order_relaxed); }

}  // namespace patchkit
