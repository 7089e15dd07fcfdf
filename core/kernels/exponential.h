#pragma once
/// e^x, e^x - 1 and log(1 + x) for vectors of doubles.

#include <evenkeel/core/kernels/simd.h>

#include <array>
#include <type_traits>

namespace evenkeel::kernels::simd {

using UnsignedBits __attribute__((vector_size(vector_bytes))) = std::uint64_t;  // which wrap around

/// 1 / 0!, 1 / 1!, 1 / 2!, ...
inline constexpr auto inverse_factorials = [] {
  std::array<double, 14> table{};
  double factorial = 1;
  for (std::size_t i = 0; i < table.size(); ++i) {
    table[i] = 1 / factorial;
    factorial *= static_cast<double>(i + 1);
  }
  return table;
}();

/// x = k log(2) + r with an integer k and |r| <= log(2) / 2, for |x| up to 1100.
struct Reduced {
  [[gnu::always_inline]] explicit Reduced(Doubles x) {
    constexpr double log2_high = 6.93147180369123816490e-01, log2_low = 1.90821492927058770002e-10;
    constexpr double to_integer = 0x1.8p52;  // leaves k in the lowest bits
    const Doubles shifted = multiply_add(x, broadcast(1.4426950408889634), broadcast(to_integer));
    const Doubles whole = shifted - broadcast(to_integer);
    r = multiply_add(whole, broadcast(-log2_low), multiply_add(whole, broadcast(-log2_high), x));
    k = reinterpret_cast<Bits>(shifted) - reinterpret_cast<Bits>(broadcast(to_integer));
  }
  Doubles r;
  Bits k;
};
/// 2^k for |k| up to 1022.
[[gnu::always_inline]] inline Doubles power_of_two(Bits k) {
  return reinterpret_cast<Doubles>((reinterpret_cast<UnsignedBits>(k) + 1023) << 52);
}

/// (e^r - 1) / r by Taylor's series. Its remainder, times r, is below 2^-57 for results that stay double, and
/// below 2^-25 for those to be rounded to float.
template <class Result>
[[gnu::always_inline]] inline Doubles series(Doubles r) {
  constexpr std::size_t degree = std::is_same_v<Result, float> ? 7 : 13;
  Doubles sum = broadcast(inverse_factorials[degree]);
  for (std::size_t i = degree - 1; i > 0; --i) sum = multiply_add(sum, r, broadcast(inverse_factorials[i]));
  return sum;
}

/// e^x. What is to be rounded to float is 0 below 2^-1020 already. NaN stays.
template <class Result>
[[gnu::always_inline]] inline Doubles exp(Doubles x) {
  const bool for_float = std::is_same_v<Result, float>;
  const Reduced part(clamp(x, for_float ? -707 : -746, for_float ? 707 : 710));
  const Doubles value = multiply_add(series<Result>(part.r), part.r, broadcast(1.0));
  if constexpr (for_float) {
    const Bits is_lost = reinterpret_cast<Bits>(x < broadcast(-707.0));
    return reinterpret_cast<Doubles>(reinterpret_cast<Bits>(value * power_of_two(part.k)) & ~is_lost);
  } else {  // in two steps, since 2^k may be too large for a number, or too small for a normal one
    const Bits half = part.k >> 1;
    return value * power_of_two(half) * power_of_two(part.k - half);
  }
}

/// e^x - 1 to full precision near 0, for |x| up to 700.
template <class Result>
[[gnu::always_inline]] inline Doubles expm1(Doubles x) {
  const Reduced part(x);
  const Doubles scale = power_of_two(part.k);
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
  const Doubles rest = multiply_add(-z, below, x) / below;  // of the division
  return 2 * (z + multiply_add(z * square, sum, rest));
}

}  // namespace evenkeel::kernels::simd
