#pragma once
/// Walks along a line of elements in vectors of doubles.

#include <evenkeel/core/kernels/simd.h>

#include <cstdint>

namespace evenkeel::kernels {

using simd::Doubles;

/// The first `count` of lanes<double> elements, at least 1 of them missing; those are `padding`.
template <class T>
[[gnu::always_inline]] inline Doubles load_some(const T* from, std::int64_t count, double padding) {
  Doubles v = simd::broadcast(padding);
  for (std::int64_t lane = 0; lane < count; ++lane) v[lane] = static_cast<double>(from[lane]);
  return v;
}
template <class T>
[[gnu::always_inline]] inline void store_some(T* to, Doubles v, std::int64_t count) {
  for (std::int64_t lane = 0; lane < count; ++lane) to[lane] = static_cast<T>(v[lane]);
}

/// Where a vector lies in its line: only the last of a line may have fewer elements than lanes.
struct Stretch {
  std::int64_t begin, count;

  template <class T>
  [[gnu::always_inline]] inline Doubles load(const T* line, double padding = 0) const {
    if (count == simd::lanes<double>) return simd::load_doubles(line + begin);
    return load_some(line + begin, count, padding);
  }
  template <class T>
  [[gnu::always_inline]] inline void store(T* line, Doubles v) const {
    if (count == simd::lanes<double>)
      simd::store_doubles(line + begin, v);
    else
      store_some(line + begin, v, count);
  }
};

/// body(stretch) along a line of so many elements.
template <class Body>
[[gnu::always_inline]] inline void for_each_stretch(std::int64_t length, Body body) {
  constexpr auto n = simd::lanes<double>;
  std::int64_t i = 0;
  for (; i + n <= length; i += n) body(Stretch{i, n});
  if (i < length) body(Stretch{i, length - i});
}

}  // namespace evenkeel::kernels
