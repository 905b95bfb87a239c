// What the CUDA side (cuda/ops/memory.cpp) tells the bridge of a GPU's memory, where the library is built with it.
#pragma once
#include <cstdint>

namespace patchkit {

struct DeviceMemoryReader {
  // Total bytes, bytes that tensors may still take, live bytes, and peak bytes since the last reset.
  void (*read)(int32_t index, int64_t* out);
  void (*reset_peak)(int32_t index);
  void (*empty_cache)();
};

void set_device_memory_reader(const DeviceMemoryReader& reader);

}  // namespace patchkit
