#pragma once

// Vectors as wide as the registers the compiler may use: GCC's vector types, no intrinsics.

#include <cstdint>
#include <cstring>
#include <utility>

namespace patchkit::kernels {

#if defined(__AVX512F__)
inline constexpr int vector_bytes = 64;
#elif defined(__AVX__)
inline constexpr int vector_bytes = 32;
#else
inline constexpr int vector_bytes = 16;
#endif

namespace detail {

typedef float FloatVector __attribute__((vector_size(vector_bytes)));
typedef double DoubleVector __attribute__((vector_size(vector_bytes)));
typedef int32_t FloatMask __attribute__((vector_size(vector_bytes)));
typedef int64_t DoubleMask __attribute__((vector_size(vector_bytes)));

template <class T>
struct VectorOf;
template <>
struct VectorOf<float> {
  using Vector = FloatVector;
  using Mask = FloatMask;
  using Lane = int32_t;
};
template <>
struct VectorOf<double> {
  using Vector = DoubleVector;
  using Mask = DoubleMask;
  using Lane = int64_t;
};

template <class T>
using Lane = typename VectorOf<T>::Lane;

}  // namespace detail

template <class T>
using Vector = typename detail::VectorOf<T>::Vector;

// Signed integers as wide as T: what comparing vectors gives.
template <class T>
using Mask = typename detail::VectorOf<T>::Mask;

template <class T>
inline constexpr int lanes = vector_bytes / sizeof(T);

template <class T>
inline Vector<T> load(const T* from) {
  Vector<T> value;
  std::memcpy(&value, from, sizeof value);
  return value;
}

template <class T>
inline void store(T* to, const Vector<T>& value) {
  std::memcpy(to, &value, sizeof value);
}

template <class T>
inline Vector<T> broadcast(T value) {
  return value - Vector<T>{};
}

// first, first + 1, first + 2, ...
template <class T, int... I>
inline Mask<T> count_from(int64_t first, std::integer_sequence<int, I...>) {
  return Mask<T>{I...} + static_cast<detail::Lane<T>>(first);
}

template <class T>
inline Mask<T> count_from(int64_t first) {
  return count_from<T>(first, std::make_integer_sequence<int, lanes<T>>{});
}

template <class T, int step, int... I>
inline Vector<T> rotate(Vector<T> a, std::integer_sequence<int, I...>) {
  return __builtin_shufflevector(a, a, ((I + step) % lanes<T>)...);
}

template <class T, int step = lanes<T> / 2>
inline T sum_lanes(Vector<T> a) {
  if constexpr (step == 0) {
    return a[0];
  } else {
    return sum_lanes<T, step / 2>(a + rotate<T, step>(a, std::make_integer_sequence<int, lanes<T>>{}));
  }
}

}  // namespace patchkit::kernels
