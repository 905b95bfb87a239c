#pragma once

#include <cstdint>

namespace patchkit::kernels {

template <class T>
struct Vector {
  const T* data;
  int64_t length;
};

// The root of the sum of all squares, summed in double: the same bits with any number of threads.
template <class T>
double vector_norm(const Vector<T>* vectors, int64_t count, int threads);

}  // namespace patchkit::kernels
