#pragma once
/// e^x for vectors of doubles.

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

/// e^x for x up to 709: 2^k e^r with x = k log(2) + r, |r| <= log(2) / 2, and e^r by Taylor's series. Its
/// remainder is below 2^-57 for results that stay double, and below 2^-27 for those to be rounded to float.
/// Results below 2^-1021, which are hardly normal numbers, are 0. NaN stays.
template <class Result>
[[gnu::always_inline]] inline Doubles exp(Doubles x) {
  constexpr std::size_t degree = std::is_same_v<Result, float> ? 7 : 13;
  constexpr double log2_high = 6.93147180369123816490e-01, log2_low = 1.90821492927058770002e-10;
  constexpr double lowest = -707.7, to_integer = 0x1.8p52;  // leaves k in the lowest bits of shifted
  const Doubles shifted = multiply_add(x, broadcast(1.4426950408889634), broadcast(to_integer));
  const Doubles k = shifted - broadcast(to_integer);
  Doubles r = multiply_add(k, broadcast(-log2_high), x);
  r = multiply_add(k, broadcast(-log2_low), r);
  Doubles series = broadcast(inverse_factorials[degree]);
  for (std::size_t i = degree; i-- > 0;) series = multiply_add(series, r, broadcast(inverse_factorials[i]));
  const UnsignedBits two_to_k =
      (reinterpret_cast<UnsignedBits>(shifted) << 52) + reinterpret_cast<UnsignedBits>(broadcast(1.0));
  const Doubles value = series * reinterpret_cast<Doubles>(two_to_k);
  const Bits is_lost = reinterpret_cast<Bits>(x < broadcast(lowest));
  return reinterpret_cast<Doubles>(reinterpret_cast<Bits>(value) & ~is_lost);
}

}  // namespace evenkeel::kernels::simd
