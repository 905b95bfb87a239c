#pragma once

// The exponential and what is made of it, for vectors and for scalars alike: V is float, double or a Vector of them.

#include "simd.h"

namespace patchkit::kernels {

namespace detail {

// exp(x) = 2^n e^r with |r| <= ln2 / 2. Adding `magic` rounds x / ln2 to n and leaves n in the low
// bits of the sum, so that a shift moves n into the exponent; n * ln2_high is exact.
struct FloatConstants {
  using Scalar = float;
  static constexpr int mantissa_bits = 23;
  static constexpr float log2_e = 1.44269504f;
  static constexpr float magic = 12582912.0f;
  static constexpr float ln2_high = 0.693359375f;
  static constexpr float ln2_low = -2.12194440e-4f;
  static constexpr float lowest = -87.0f;
  static constexpr float highest = 88.0f;
  // clang-format off
  static constexpr float polynomial[] = {  // relative error 2.6e-9
      1.0f, 1.00000003782961446f, 0.500000004725939815f, 0.1666641501129006f,
      0.0416663522680825279f, 0.00837516828895420053f, 0.00139411607538254702f};
  // clang-format on
  static constexpr int log1p_terms = 8;
};

struct DoubleConstants {
  using Scalar = double;
  static constexpr int mantissa_bits = 52;
  static constexpr double log2_e = 1.44269504088896340736;
  static constexpr double magic = 6755399441055744.0;
  static constexpr double ln2_high = 0.693147180369123816490;
  static constexpr double ln2_low = 1.90821492927058770002e-10;
  static constexpr double lowest = -708.0;
  static constexpr double highest = 709.0;
  // clang-format off
  static constexpr double polynomial[] = {  // relative error 4.3e-18
      1.0, 1.0, 0.500000000000001848, 0.166666666666666809,
      0.0416666666664873796, 0.00833333333331954556, 0.00138888889525054065, 0.00019841269890193706,
      0.0000248014852783700626, 2.75572407617392593e-6, 2.76327150716322541e-7, 2.51100956118862372e-8};
  // clang-format on
  static constexpr int log1p_terms = 17;
};

template <class V>
struct Real;
template <>
struct Real<float> : FloatConstants {
  using Bits = int32_t;
};
template <>
struct Real<double> : DoubleConstants {
  using Bits = int64_t;
};
template <>
struct Real<FloatVector> : FloatConstants {
  using Bits = FloatMask;
};
template <>
struct Real<DoubleVector> : DoubleConstants {
  using Bits = DoubleMask;
};

template <class To, class From>
inline To bit_cast(const From& from) {
  static_assert(sizeof(To) == sizeof(From));
  To to;
  std::memcpy(&to, &from, sizeof to);
  return to;
}

}  // namespace detail

// e^x to about one unit in the last place, for x up to Real<V>::highest (88 in float). Where it would be below the
// normal range it is exactly 0; NaN stays NaN.
template <class V>
inline V exponential(V x) {
  using R = detail::Real<V>;
  using Bits = typename R::Bits;
  const V shifted = x * R::log2_e + R::magic;
  const V n = shifted - R::magic;
  const V r = (x - n * R::ln2_high) - n * R::ln2_low;
  constexpr int terms = sizeof(R::polynomial) / sizeof(R::polynomial[0]);
  V power = r * R::polynomial[terms - 1] + R::polynomial[terms - 2];
#pragma GCC unroll 16
  for (int term = terms - 3; term >= 0; --term) power = power * r + R::polynomial[term];
  const Bits scaled = detail::bit_cast<Bits>(power) + (detail::bit_cast<Bits>(shifted) << R::mantissa_bits);
  return x < R::lowest ? V{} : detail::bit_cast<V>(scaled);
}

// The same for any x: where it would overflow it stays near the largest number.
template <class V>
inline V saturating_exponential(V x) {
  using R = detail::Real<V>;
  return exponential<V>(x > R::highest ? V{} + R::highest : x);
}

// log(1 + u) for 0 <= u <= 1, the digits of a tiny u kept: 2 artanh(u / (2 + u)).
template <class V>
inline V log_one_plus(V u) {
  using Scalar = typename detail::Real<V>::Scalar;
  const V ratio = u / (u + Scalar(2)), square = ratio * ratio;
  V series{};
#pragma GCC unroll 20
  for (int k = detail::Real<V>::log1p_terms; k > 0; --k) series = (series + Scalar(2) / (2 * k + 1)) * square;
  return ratio * (series + Scalar(2));
}

// log(1 + e^x)
template <class V>
inline V softplus(V x) {
  using Scalar = typename detail::Real<V>::Scalar;
  const V smooth = (x > Scalar(0) ? x : V{}) + log_one_plus(exponential<V>(x > Scalar(0) ? -x : x));
  return x > Scalar(20) ? x : smooth;
}

// 1 / (1 + e^-x)
template <class V>
inline V sigmoid(V x) {
  return 1 / (1 + saturating_exponential<V>(-x));
}

template <class V>
inline V silu(V x) {
  return x * sigmoid(x);
}

// d silu(x) / dx, given x and sigmoid(x)
template <class V>
inline V silu_slope(V x, V sigmoid_x) {
  return sigmoid_x * (1 + x * (1 - sigmoid_x));
}

}  // namespace patchkit::kernels
