#pragma once

// How elements are stored and what they are computed in.

#include <cstdint>
#include <cstring>
#include <type_traits>

namespace patchkit::kernels {

// Brain floating point: the upper half of a float32.
struct bfloat16 {
  uint16_t bits;
};

inline float widen(bfloat16 value) {
  const uint32_t bits = uint32_t{value.bits} << 16;
  float result;
  std::memcpy(&result, &bits, sizeof result);
  return result;
}
inline float widen(float value) { return value; }
inline double widen(double value) { return value; }

// What an element is computed in.
template <class E>
using Arithmetic = decltype(widen(E{}));

template <class E>
inline E narrow(Arithmetic<E> value) {
  if constexpr (std::is_same_v<E, bfloat16>) {
    uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (value != value) return {0x7fc0};
    return {static_cast<uint16_t>((bits + 0x7fff + ((bits >> 16) & 1)) >> 16)};  // to nearest even
  } else {
    return value;
  }
}

// One row of storage into one row of arithmetic, zeros from `count` to `size`.
template <class E, class T>
inline void unpack_row(const E* from, int64_t count, T* row, int64_t size) {
  for (int64_t i = 0; i < count; ++i) row[i] = widen(from[i]);
  for (int64_t i = count; i < size; ++i) row[i] = 0;
}

template <class E, class T>
inline void pack_row(const T* row, int64_t count, E* to) {
  for (int64_t i = 0; i < count; ++i) to[i] = narrow<E>(row[i]);
}

}  // namespace patchkit::kernels
