// What the library is, where its kernels' memory comes from, and how they are stopped.
#include "api/abi.h"
#include "kernels/memory.h"
#include "kernels/stop.h"

// -1 where it was built for instructions that this processor lacks (CMakeLists.txt): nothing else may be called then.
PK_API int32_t pk_version() {
#ifdef PATCHKIT_AVX2
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) return -1;
#endif
  return patchkit::api::version;
}

// Kernels take their own memory as tensors do, from libtorch, where it is counted. To be called before the first
// kernel.
PK_API void pk_use_allocator(void* (*allocate)(std::size_t bytes), void (*release)(void* block)) {
  patchkit::kernels::use_allocator({allocate, release});
}

// While set, kernels stop at their next tile and return Result::stopped.
PK_API void pk_request_stop(int32_t stop) { patchkit::request_stop(stop != 0); }
