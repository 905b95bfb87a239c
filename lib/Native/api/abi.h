// The C boundary between C# and libpatchkit.so: raw pointers, sizes and strides, and no header of libtorch.
//
// A call is a struct that C# lays out alike (lib/Torch/Calls); its operands' shapes and types were checked there.
// Nothing is thrown across: a kernel's entry returns a Result.
#pragma once
#include <cstdint>
#include <new>

#define PK_API extern "C" __attribute__((visibility("default")))

namespace patchkit::api {

// Grows with every change of an entry or a struct; C# refuses a library of another version.
inline constexpr int32_t version = 2;

// Element types by libtorch's numbers.
enum Type : int32_t { float32 = 6, float64 = 7, bfloat16 = 15 };

enum Result : int32_t { finished = 1, stopped = 0, no_memory = -1, failed = -2 };

// Runs a kernel, which says whether it finished.
template <class Kernel>
int32_t run(Kernel&& kernel) noexcept {
  try {
    return kernel() ? finished : stopped;
  } catch (const std::bad_alloc&) {
    return no_memory;
  } catch (...) {
    return failed;
  }
}

// Runs a kernel on numbers of the type, float32 or float64.
template <class Kernel>
int32_t run_floating(int32_t type, Kernel&& kernel) noexcept {
  return type == float64 ? run([&] { return kernel(double{}); }) : run([&] { return kernel(float{}); });
}

}  // namespace patchkit::api
