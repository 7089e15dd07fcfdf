#pragma once
/// e^x, e^x - 1 and log(1 + x) for vectors of doubles.

#include <evenkeel/core/kernels/simd.h>

#include <array>
#include <numbers>
#include <type_traits>

namespace evenkeel::kernels::simd {

using UnsignedBits __attribute__((vector_size(vector_bytes))) = std::uint64_t;  // which wrap around

/// 1 / 1!, 1 / 2!, ... 1 / 13!
inline constexpr auto inverse_factorials = [] {
  std::array<double, 13> table{};
  double factorial = 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    factorial *= static_cast<double>(i + 1);
    table[i] = 1 / factorial;
  }
  return table;
}();

/// 2^k for |k| up to 1022.
[[gnu::always_inline]] inline Doubles power_of_two(Bits k) {
  return reinterpret_cast<Doubles>((reinterpret_cast<UnsignedBits>(k) + 1023) << 52);
}

/// x = k log(2) + r with an integer k and |r| <= log(2) / 2, for |x| up to 1100. To be rounded to float, r
/// needs no second part of log(2).
template <class Result>
struct Reduced {
  [[gnu::always_inline]] explicit Reduced(Doubles x) {
    constexpr double log2_high = 6.93147180369123816490e-01, log2_low = 1.90821492927058770002e-10;
    const Doubles shifted = multiply_add(x, broadcast(1.4426950408889634), broadcast(to_integer));
    const Doubles whole = shifted - broadcast(to_integer);
    if constexpr (std::is_same_v<Result, float>)
      r = multiply_add(whole, broadcast(-std::numbers::ln2), x);
    else
      r = multiply_add(whole, broadcast(-log2_low), multiply_add(whole, broadcast(-log2_high), x));
    exponent = reinterpret_cast<UnsignedBits>(shifted);
  }
  /// 2^k for -1023 < k < 1024, and 0 for k = -1023.
  [[gnu::always_inline]] Doubles scale() const { return reinterpret_cast<Doubles>(exponent << 52); }

  static constexpr double to_integer = 0x1.8p52 + 1023;  // leaves k + 1023 in the lowest bits of a sum
  Doubles r;
  UnsignedBits exponent;
};

/// (e^r - 1) / r: by Taylor's series, whose remainder, times r, is below 2^-57; for results to be rounded to
/// float by the polynomial that meets it at Chebyshev's points of |r| <= log(2) / 2, within 2^-31.
template <class Result>
[[gnu::always_inline]] inline Doubles series(Doubles r) {
  constexpr auto terms = [] {
    if constexpr (std::is_same_v<Result, float>)
      return std::array{1.0,
                        0.5000000047117786,
                        0.1666666671899754,
                        0.041666352896649515,
                        0.008333298483740934,
                        0.0013941108444434013,
                        0.00019899273970266023};
    else
      return inverse_factorials;
  }();
  Doubles sum = broadcast(terms.back());
  for (std::size_t i = terms.size() - 1; i-- > 0;) sum = multiply_add(sum, r, broadcast(terms[i]));
  return sum;
}

/// e^x. What is to be rounded to float is 0 where k = -1023, as it is for -709.1. NaN stays.
template <class Result>
[[gnu::always_inline]] inline Doubles exp(Doubles x) {
  const bool for_float = std::is_same_v<Result, float>;
  const Reduced<Result> part(clamp(x, for_float ? -709.1 : -746, for_float ? 709 : 710));
  const Doubles value = multiply_add(series<Result>(part.r), part.r, broadcast(1.0));
  if constexpr (for_float) {
    return value * part.scale();
  } else {  // in two steps, since 2^k may be too large for a number, or too small for a normal one
    const Bits k = reinterpret_cast<Bits>(part.exponent) - reinterpret_cast<Bits>(broadcast(part.to_integer));
    const Bits half = k >> 1;
    return value * power_of_two(half) * power_of_two(k - half);
  }
}

/// e^x - 1 to full precision near 0, for |x| up to 700.
template <class Result>
[[gnu::always_inline]] inline Doubles expm1(Doubles x) {
  const Reduced<Result> part(x);
  const Doubles scale = part.scale();
  return multiply_add(scale * series<Result>(part.r), part.r, scale - broadcast(1.0));
}

/// 1, 1 / 3, 1 / 5, ...
inline constexpr auto odd_reciprocals = [] {
  std::array<double, 18> table{};
  for (std::size_t i = 0; i < table.size(); ++i) table[i] = 1 / static_cast<double>(2 * i + 1);
  return table;
}();

/// log(1 + x) for 0 <= x <= 1, which is 2 artanh(z) with z = x / (2 + x), by its series in z^2 <= 1/9. Its
/// remainder is below 2^-57 of the result, and below 2^-31 for those to be rounded to float. NaN stays.
template <class Result>
[[gnu::always_inline]] inline Doubles log1p(Doubles x) {
  constexpr std::size_t degree = std::is_same_v<Result, float> ? 8 : 17;
  const Doubles below = x + 2, z = x / below, square = z * z;
  Doubles sum = broadcast(odd_reciprocals[degree]);
  for (std::size_t i = degree - 1; i > 0; --i) sum = multiply_add(sum, square, broadcast(odd_reciprocals[i]));
  Doubles rest{};  // of the division
  if constexpr (!std::is_same_v<Result, float>) rest = multiply_add(-z, below, x) / below;
  return 2 * (z + multiply_add(z * square, sum, rest));
}

}  // namespace evenkeel::kernels::simd
