// A matrix is covered with square tiles as wide as a vector, which are turned around in registers: of a tile
// in four quarters two change places, then two of the quarters' quarters, and so on. What is left at two
// edges is covered with smaller tiles, at last of one element. Tiles follow the longer side of the matrix, so
// that both sides stay in the cache; long matrices are cut into stripes for the threads.

#include <evenkeel/core/kernels/simd.h>
#include <evenkeel/core/kernels/transpose.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <utility>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;

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
[[gnu::always_inline]] inline void transpose_tile(const T* from, Index from_step, T* to, Index to_step) {
  using Row = typename RowOf<T, n>::type;
  std::array<Row, n> rows;
#pragma GCC unroll 16
  for (std::size_t i = 0; i < n; ++i)
    std::memcpy(&rows[i], from + static_cast<Index>(i) * from_step, sizeof(Row));
  if constexpr (n > 1) exchange_all<n / 2>(rows);
#pragma GCC unroll 16
  for (std::size_t i = 0; i < n; ++i)
    std::memcpy(to + static_cast<Index>(i) * to_step, &rows[i], sizeof(Row));
}

/// The tiles after those of n x n.
template <class T, std::size_t n>
constexpr std::size_t next_smaller = n > 16 / sizeof(T) ? 16 / sizeof(T) : 1;

template <class T, std::size_t n>
void cover(const T* from, Index from_step, T* to, Index to_step, Index rows, Index columns) {
  constexpr auto side = static_cast<Index>(n);
  const auto full_rows = rows / side * side, full_columns = columns / side * side;
  const auto tile = [=](Index r, Index c) {
    transpose_tile<T, n>(from + r * from_step + c, from_step, to + c * to_step + r, to_step);
  };
  if (columns > rows)
    for (Index c = 0; c < full_columns; c += side)
      for (Index r = 0; r < full_rows; r += side) tile(r, c);
  else
    for (Index r = 0; r < full_rows; r += side)
      for (Index c = 0; c < full_columns; c += side) tile(r, c);
  if constexpr (n > 1) {
    constexpr std::size_t smaller = next_smaller<T, n>;
    if (full_columns < columns)
      cover<T, smaller>(from + full_columns, from_step, to + full_columns * to_step, to_step, full_rows,
                        columns - full_columns);
    if (full_rows < rows)
      cover<T, smaller>(from + full_rows * from_step, from_step, to + full_rows, to_step, rows - full_rows,
                        columns);
  }
}

template <class T, std::size_t n>
void transpose_all(const void* source, void* target, Index matrices, Index rows, Index columns) {
  const auto* const from = static_cast<const T*>(source);
  auto* const to = static_cast<T*>(target);
  constexpr Index stripe = 1024;
  const auto length = std::max(rows, columns), width = std::min(rows, columns);
  const auto stripes = ceil_div(length, stripe);
  const auto grain = at_least_one(elements_per_task / (std::min(length, stripe) * width));
  parallel_for(matrices * stripes, grain, [=](Index first, Index last) {
    for (auto i = first; i < last; ++i) {
      const auto matrix = i / stripes * rows * columns, begin = i % stripes * stripe,
                 some = std::min(length - begin, stripe);
      if (columns > rows)
        cover<T, n>(from + matrix + begin, columns, to + matrix + begin * rows, rows, rows, some);
      else
        cover<T, n>(from + matrix + begin * columns, columns, to + matrix + begin, rows, some, columns);
    }
  });
}

}  // namespace

void transpose(const void* from, void* to, Index matrices, Index rows, Index columns, Index element) {
  if (matrices * rows * columns == 0) return;
  if (element == 8)
    transpose_all<double, simd::lanes<double>>(from, to, matrices, rows, columns);
  else if (element == 4)
    transpose_all<float, simd::lanes<float>>(from, to, matrices, rows, columns);
  else
    transpose_all<std::uint8_t, 1>(from, to, matrices, rows, columns);
}

}  // namespace evenkeel::kernels
