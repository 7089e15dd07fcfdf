#pragma once
/// Windows of 3 x 3 that pass over the rows of a plane in whole vectors. Neighbouring rows of windows share
/// the pixels that they see: each is read once.

#include <evenkeel/core/kernels/simd.h>

#include <cstdint>

namespace evenkeel::kernels {

/// Rows of pixels; those outside [low, high) are `beyond`.
template <class T>
struct PlaneRows {
  const T* first;
  std::int64_t pitch, low, high;
  const T* beyond;

  const T* operator[](std::int64_t i) const { return i >= low && i < high ? first + i * pitch : beyond; }
};

/// Whether a vector of windows stands at the left or the right end of its rows, beyond which all is 0.
struct Ends {
  bool left = false, right = false;
};

/// Calls body(pixels, tap, i) for the windows at columns j, j + 1, ... of `count` rows from `row` on: the
/// windows of row + i see `pixels` through this tap.
template <Ends ends, std::int64_t count, class T, class Body>
[[gnu::always_inline]] inline void for_each_pixel(const PlaneRows<T>& rows, std::int64_t row, std::int64_t j,
                                                  Body body) {
#pragma GCC unroll 6
  for (std::int64_t r = 0; r < count + 2; ++r) {
    const T* const center = rows[row + r - 1] + j;
#pragma GCC unroll 3
    for (std::int64_t c = 0; c < 3; ++c) {
      const auto pixels = ends.left && c == 0    ? simd::moved_up<T>(simd::load(center))
                          : ends.right && c == 2 ? simd::moved_down<T>(simd::load(center))
                                                 : simd::load_once(center + c - 1);
#pragma GCC unroll 3
      for (std::int64_t k = 0; k < 3; ++k)
        if (k <= r && r - k < count) body(pixels, 3 * k + c, r - k);
    }
  }
}

/// body.operator()<ends>(j, skipped) for vectors that cover `columns` windows. In a row with ends, which is
/// at least a vector long, the last one begins with windows that the one before it has too, `skipped` of
/// them. Otherwise it may reach beyond the row, into the beginning of the next: it comes first, lest it
/// overwrite what another has written there.
template <bool with_ends, class T, class Body>
[[gnu::always_inline]] inline void for_each_vector(std::int64_t columns, Body body) {
  constexpr auto n = simd::lanes<T>;
  const auto last = (columns - 1) / n * n;
  if constexpr (!with_ends) {
    for (auto j = last; j >= 0; j -= n) body.template operator()<Ends{}>(j, 0);
  } else if (columns == n) {
    body.template operator()<Ends{true, true}>(0, 0);
  } else {
    body.template operator()<Ends{false, true}>(columns - n, last + n - columns);
    for (auto j = last - n; j > 0; j -= n) body.template operator()<Ends{}>(j, 0);
    body.template operator()<Ends{true, false}>(0, 0);
  }
}

}  // namespace evenkeel::kernels
