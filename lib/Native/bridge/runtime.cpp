// The process-wide state of libtorch: version, threads, random numbers, CUDA, autocast, determinism.
#include <ATen/ATen.h>
#include <ATen/CPUGeneratorImpl.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <ATen/autocast_mode.h>
#include <dlfcn.h>
#include <torch/cuda.h>
#include <torch/version.h>

#include <string>

#include "bridge/guard.h"

using namespace patchkit;

// Functions that only some libtorchs have. A call finds libtorch's own where it is declared, else the fallback below,
// whose parameters convert from anything, or which is a template, and so always loses the overload resolution.
namespace fallback {
struct Anything {
  template <class T>
  Anything(const T&) {}
};
struct Absent {
  operator bool() const { return false; }
};
inline Absent set_autocast_enabled(Anything, Anything) { return {}; }
inline Absent set_autocast_dtype(Anything, Anything) { return {}; }
inline Absent set_enabled(Anything) { return {}; }
inline Absent set_cpu_enabled(Anything) { return {}; }
inline Absent set_autocast_gpu_dtype(Anything) { return {}; }
inline Absent set_autocast_cpu_dtype(Anything) { return {}; }
inline Absent is_autocast_enabled(Anything) { return {}; }
template <class... None>
Absent is_enabled(None...) {
  return {};
}
template <class... None>
Absent is_cpu_enabled(None...) {
  return {};
}
}  // namespace fallback

namespace {

using namespace at::autocast;
using namespace fallback;

template <class T>
constexpr bool present = !std::is_same_v<T, Absent>;

bool autocasts(c10::DeviceType device) {
  if constexpr (present<decltype(is_autocast_enabled(device))>) return is_autocast_enabled(device);
  if (device == c10::DeviceType::CUDA) return is_enabled();
  return device == c10::DeviceType::CPU && is_cpu_enabled();
}

// Switches autocast for one device type, off or to an element type; false where this libtorch cannot.
bool set_autocast(c10::DeviceType device, bool enabled, c10::ScalarType dtype) {
  if constexpr (present<decltype(set_autocast_enabled(device, enabled))>) {
    set_autocast_enabled(device, enabled);
    if (enabled) set_autocast_dtype(device, dtype);
    return true;
  } else if (device == c10::DeviceType::CUDA) {
    if (enabled) set_autocast_gpu_dtype(dtype);
    set_enabled(enabled);
    return present<decltype(set_enabled(enabled))>;
  } else if (device == c10::DeviceType::CPU) {
    if (enabled) set_autocast_cpu_dtype(dtype);
    set_cpu_enabled(enabled);
    return present<decltype(set_cpu_enabled(enabled))>;
  }
  return false;
}

const char* keep(std::string text) {
  static thread_local std::string kept;
  kept = std::move(text);
  return kept.c_str();
}

c10::Device device_of(int32_t type, int32_t index) {
  return c10::Device(static_cast<c10::DeviceType>(type), static_cast<c10::DeviceIndex>(index));
}

}  // namespace

// -- what is loaded -------------------------------------------------------------------------------------------------

PK_API const char* pk_version() { return TORCH_VERSION; }

// Path of the libtorch_cpu.so that this process really loaded.
PK_API const char* pk_torch_path() {
  Dl_info info{};
  return dladdr(reinterpret_cast<void*>(&at::show_config), &info) != 0 && info.dli_fname != nullptr ? info.dli_fname : "";
}

PK_API const char* pk_build_config() {
  return guarded("", [] { return keep(at::show_config()); });
}

// -- threads --------------------------------------------------------------------------------------------------------

PK_API int32_t pk_threads() { return at::get_num_threads(); }
PK_API int32_t pk_set_threads(int32_t n) {
  return guarded(-1, [&] {
    // libgomp ends the process when it cannot start a thread.
    TORCH_CHECK(n > 0 && n <= 1024, "the number of threads must be 1 to 1024, but is ", n);
    at::set_num_threads(n);
    return 0;
  });
}

// -- random numbers -------------------------------------------------------------------------------------------------

PK_API int32_t pk_manual_seed(int64_t seed) {
  return guarded(-1, [&] { return at::manual_seed(static_cast<uint64_t>(seed)), 0; });
}

// A generator of its own, seeded; on CUDA a clone of the default one.
PK_API void* pk_generator(int32_t device_type, int32_t device_index, int64_t seed) {
  return guarded(static_cast<void*>(nullptr), [&]() -> void* {
    auto device = device_of(device_type, device_index);
    auto generator = device.is_cpu() ? at::detail::createCPUGenerator() : at::globalContext().defaultGenerator(device).clone();
    generator.set_current_seed(static_cast<uint64_t>(seed));
    return new at::Generator(std::move(generator));
  });
}

// The device's default generator: the one that operators use when none is given.
PK_API void* pk_default_generator(int32_t device_type, int32_t device_index) {
  return guarded(static_cast<void*>(nullptr), [&]() -> void* {
    return new at::Generator(at::globalContext().defaultGenerator(device_of(device_type, device_index)));
  });
}

PK_API void pk_release_generator(void* generator) { delete static_cast<at::Generator*>(generator); }

PK_API int64_t pk_generator_seed(void* generator) { return static_cast<int64_t>(static_cast<at::Generator*>(generator)->current_seed()); }

PK_API int32_t pk_set_generator_seed(void* generator, int64_t seed) {
  return guarded(-1, [&] { return static_cast<at::Generator*>(generator)->set_current_seed(static_cast<uint64_t>(seed)), 0; });
}

PK_API void* pk_generator_state(void* generator) {
  return guarded(static_cast<void*>(nullptr), [&] { return give(static_cast<at::Generator*>(generator)->get_state()); });
}

PK_API int32_t pk_set_generator_state(void* generator, void* state) {
  return guarded(-1, [&] { return static_cast<at::Generator*>(generator)->set_state(borrow(state)), 0; });
}

// -- CUDA -----------------------------------------------------------------------------------------------------------

PK_API int32_t pk_cuda_devices() {
  return guarded(0, [] { return torch::cuda::is_available() ? static_cast<int32_t>(torch::cuda::device_count()) : 0; });
}

PK_API int32_t pk_cuda_synchronize(int32_t index) {
  return guarded(-1, [&] { return torch::cuda::synchronize(index), 0; });
}

// -- precision and determinism --------------------------------------------------------------------------------------

// The element type that autocast casts to on the thread and the device; -1 where it is off.
PK_API int32_t pk_autocast(int32_t device_type) {
  return guarded(-1, [&] {
    const auto device = static_cast<c10::DeviceType>(device_type);
    return autocasts(device) ? static_cast<int32_t>(get_lower_precision_fp_from_device_type(device)) : -1;
  });
}

// Switches autocast to an element type, or off with -1: 1 when that was done, 0 when this libtorch has none for the device.
PK_API int32_t pk_set_autocast(int32_t device_type, int32_t dtype) {
  return guarded(-1, [&] {
    return set_autocast(static_cast<c10::DeviceType>(device_type), dtype >= 0, static_cast<c10::ScalarType>(dtype)) ? 1 : 0;
  });
}

// Whether autocast on the thread keeps the casts of weights for their next use; returns whether it did before.
PK_API int32_t pk_set_autocast_cache(int32_t enabled) {
  const bool before = is_autocast_cache_enabled();
  set_autocast_cache_enabled(enabled != 0);
  return before;
}

PK_API void pk_clear_autocast_cache() { at::autocast::clear_cache(); }
PK_API int32_t pk_increment_autocast_nesting() { return at::autocast::increment_nesting(); }
PK_API int32_t pk_decrement_autocast_nesting() { return at::autocast::decrement_nesting(); }

PK_API int32_t pk_set_deterministic(int32_t enabled) {
  return guarded(-1, [&] {
    auto& context = at::globalContext();
    context.setDeterministicAlgorithms(enabled != 0, /*warn_only=*/false);
    context.setDeterministicCuDNN(enabled != 0);
    context.setBenchmarkCuDNN(false);
    return 0;
  });
}

PK_API int32_t pk_deterministic() { return at::globalContext().deterministicAlgorithms(); }

PK_API int32_t pk_set_tf32(int32_t enabled) {
  return guarded(-1, [&] {
    at::globalContext().setAllowTF32CuBLAS(enabled != 0);
    at::globalContext().setAllowTF32CuDNN(enabled != 0);
    return 0;
  });
}
