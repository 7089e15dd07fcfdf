#pragma once

#include <evenkeel/core/check.h>

#include <concepts>
#include <cstdint>
#include <iosfwd>
#include <limits>

namespace evenkeel {

enum class DType : std::uint8_t { float32, float64, int64, uint8 };

std::ostream& operator<<(std::ostream& os, DType dtype);
/// Bytes of one element.
std::size_t size_of(DType dtype);
inline bool is_floating(DType dtype) { return dtype == DType::float32 || dtype == DType::float64; }

/// The types that an array can hold.
template <class T>
concept Element = std::same_as<T, float> || std::same_as<T, double> || std::same_as<T, std::int64_t> ||
    std::same_as<T, std::uint8_t>;

/// The dtype of values written in C++: float is float32, double float64, bool and uint8_t uint8, other
/// integers int64.
template <class T>
constexpr DType dtype_of = std::same_as<T, float>                                   ? DType::float32
                           : std::floating_point<T>                                 ? DType::float64
                           : std::same_as<T, bool> || std::same_as<T, std::uint8_t> ? DType::uint8
                                                                                    : DType::int64;

/// Calls f<float>() or f<double>(); throws for any other dtype.
template <class F>
decltype(auto) dispatch_floating(DType dtype, F&& f) {
  if (dtype == DType::float32) return f.template operator()<float>();
  check(dtype == DType::float64, "expected float32 or float64, got ", dtype);
  return f.template operator()<double>();
}

/// Calls f<T>() with the element type of `dtype`.
template <class F>
decltype(auto) dispatch(DType dtype, F&& f) {
  if (dtype == DType::int64) return f.template operator()<std::int64_t>();
  if (dtype == DType::uint8) return f.template operator()<std::uint8_t>();
  return dispatch_floating(dtype, f);
}

/// A value in another element type. Floating values go to integers towards zero; NaN becomes 0, and what lies
/// outside the range becomes its nearest end (where C++ leaves the result undefined).
template <Element To, class From>
constexpr To convert(From value) {
  if constexpr (std::floating_point<From> && std::integral<To>) {
    using Limits = std::numeric_limits<To>;
    if (!(value == value)) return 0;
    if (value <= static_cast<From>(Limits::min())) return Limits::min();
    if (value >= static_cast<From>(Limits::max())) return Limits::max();
  }
  return static_cast<To>(value);
}

}  // namespace evenkeel
