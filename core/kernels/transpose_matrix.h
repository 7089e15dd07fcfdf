#pragma once
/// A matrix turned around by registers. It is covered with square tiles as wide as a vector: of a tile in
/// four quarters two change places, then two of the quarters' quarters, and so on. The last tiles overlap
/// their neighbours; a matrix narrower than a tile takes smaller ones. Tiles follow the longer side of the
/// matrix, so that both sides stay in the cache.

#include <evenkeel/core/kernels/simd.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace evenkeel::kernels {

template <class T, std::size_t n>
struct RowOf {
  using type __attribute__((vector_size(n * sizeof(T)))) = T;
};
template <class T>
struct RowOf<T, 1> {
  using type = T;
};

/// Rows that are `step` apart exchange the quarters beside the diagonal.
template <std::size_t step, class Row, std::size_t... lane>
[[gnu::always_inline]] inline void exchange(Row& a, Row& b, std::index_sequence<lane...>) {
  constexpr std::size_t n = sizeof...(lane);
  const Row upper = __builtin_shufflevector(a, b, ((lane & step) != 0 ? n + lane - step : lane)...);
  b = __builtin_shufflevector(a, b, ((lane & step) != 0 ? n + lane : lane + step)...);
  a = upper;
}
template <std::size_t step, class Row, std::size_t n>
[[gnu::always_inline]] inline void exchange_all(std::array<Row, n>& rows) {
#pragma GCC unroll 16
  for (std::size_t i = 0; i < n; ++i)
    if ((i & step) == 0) exchange<step>(rows[i], rows[i + step], std::make_index_sequence<n>());
  if constexpr (step > 1) exchange_all<step / 2>(rows);
}

template <class T, std::size_t n>
[[gnu::always_inline]] inline void transpose_tile(const T* from, std::int64_t from_step, T* to,
                                                  std::int64_t to_step) {
  using Row = typename RowOf<T, n>::type;
  std::array<Row, n> rows;
  // The tile beside it comes next, and no prefetcher of the machine's follows so many rows.
#pragma GCC unroll 16
  for (std::size_t i = 0; i < n; ++i) {
    const T* const row = from + static_cast<std::int64_t>(i) * from_step;
    std::memcpy(&rows[i], row, sizeof(Row));
    if constexpr (n == simd::lanes<T>) __builtin_prefetch(row + n);
  }
  if constexpr (n > 1) exchange_all<n / 2>(rows);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < n; ++i)
    std::memcpy(to + static_cast<std::int64_t>(i) * to_step, &rows[i], sizeof(Row));
}

/// to[c][r] = from[r][c]; rows lie so many elements apart.
template <class T, std::size_t n = static_cast<std::size_t>(simd::lanes<T>)>
void transpose_matrix(const T* from, std::int64_t from_step, T* to, std::int64_t to_step, std::int64_t rows,
                      std::int64_t columns) {
  constexpr auto side = static_cast<std::int64_t>(n);
  if constexpr (n > 1)
    if (std::min(rows, columns) < side)
      return transpose_matrix<T, (n > 16 / sizeof(T) ? n / 2 : 1)>(from, from_step, to, to_step, rows,
                                                                   columns);
  const auto tile = [=](std::int64_t r, std::int64_t c) {
    if constexpr (n > 1) {
      r = std::min(r, rows - side);
      c = std::min(c, columns - side);
    }
    transpose_tile<T, n>(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
  };
  constexpr auto line = std::max<std::int64_t>(side, 64 / sizeof(T));
  if (columns > rows)
    for (std::int64_t first = 0; first < columns; first += line)
      for (std::int64_t r = 0; r < rows; r += side)
        for (std::int64_t c = first; c < std::min(columns, first + line); c += side) tile(r, c);
  else
    for (std::int64_t r = 0; r < rows; r += side)
      for (std::int64_t c = 0; c < columns; c += side) tile(r, c);
}

}  // namespace evenkeel::kernels
