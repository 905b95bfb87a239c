// The typed C++ peers of `patchkit bench engine`: the same calls, compiled against libtorch's own headers.
#include <ATen/ATen.h>
#include <ATen/core/dispatch/Dispatcher.h>

#include <chrono>

#include "bridge/guard.h"

using namespace patchkit;

namespace {

template <class Body>
double nanoseconds_per_call(int64_t calls, Body&& body) {
  auto start = std::chrono::steady_clock::now();
  for (int64_t i = 0; i < calls; i++) body();
  return std::chrono::duration<double, std::nano>(std::chrono::steady_clock::now() - start).count() / static_cast<double>(calls);
}

}  // namespace

// case 0: no-op; 1: 1-element add; 2: 1-element add whose left operand requires a gradient. Nanoseconds per call, or -1.
PK_API double pk_bench_typed(int32_t which, int64_t calls) {
  return guarded(-1.0, [&] {
    auto a = at::ones({1}), b = at::ones({1});
    if (which == 0) {
      auto noop = c10::Dispatcher::singleton().findSchemaOrThrow("patchkit::noop", "").typed<at::Tensor(const at::Tensor&)>();
      return nanoseconds_per_call(calls, [&] { return noop.call(a); });
    }
    a.set_requires_grad(which == 2);
    return nanoseconds_per_call(calls, [&] { return a.add(b); });
  });
}
