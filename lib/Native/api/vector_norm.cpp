// The norm of vectors as if they were one.
#include "kernels/vector_norm.h"

#include "api/abi.h"

// count vectors of one type, each a pointer and a length; the norm.
PK_API int32_t pk_vector_norm(const void* vectors, int64_t count, int32_t type, int32_t threads, double* norm) {
  using namespace patchkit::kernels;
  return patchkit::api::run_floating(type, [&](auto number) {
    *norm = vector_norm(static_cast<const Vector<decltype(number)>*>(vectors), count, threads);
    return true;
  });
}
