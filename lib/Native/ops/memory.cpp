// The kernels' own memory comes from libtorch's CPU allocator: Engine.Memory() counts it, and where there is not enough
// libtorch says so in its words.

#include "../kernels/memory.h"

#include <c10/core/CPUAllocator.h>

namespace patchkit::ops {
namespace {

void* allocate(std::size_t bytes) { return c10::GetCPUAllocator()->raw_allocate(bytes); }
void release(void* block) { c10::GetCPUAllocator()->raw_deallocate(block); }

const bool installed = (kernels::use_allocator({&allocate, &release}), true);

}  // namespace
}  // namespace patchkit::ops
