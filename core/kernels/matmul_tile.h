#pragma once
/// What the loops of matrix products share: tiles of the result in registers, and both operands packed into
/// strips for them, b's as wide as a tile and a's as high.

#include <evenkeel/core/kernels/simd.h>
#include <evenkeel/core/kernels/transpose_matrix.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <cstring>
#include <type_traits>

namespace evenkeel::kernels::product {

using Index = std::int64_t;
using simd::Vector;

/// Steps of a piece: a tile's columns of them take 16 or 32 KiB.
inline constexpr Index depth = 256;
/// Rows of a tile: with two vectors across, the accumulators fill three quarters of the registers. The last
/// tiles of a block have fewer.
inline constexpr Index tile_rows = simd::vector_bytes == 64 ? 12 : 6, fewer_rows = tile_rows * 2 / 3;
template <class T>
inline constexpr Index tile_columns = 2 * simd::lanes<T>;

/// A matrix as it lies.
template <class T>
struct Operand {
  const T* data;
  Index row, column;  // distances between neighbours, one of which is 1
  T operator()(Index r, Index c) const { return data[r * row + c * column]; }
};

template <class T>
struct Product {
  Operand<T> a, b;
  const T* bias;  // of each column, or null
  T* c;
  Index m, k, n;

  Index pieces() const { return ceil_div(k, depth); }
  Index steps(Index piece) const { return std::min(depth, k - piece * depth); }
};

/// Where a tile of a piece belongs: written by the first piece, added by the others.
template <class T>
struct Target {
  T* c;
  Index row, columns;  // elements to the next row, and how many columns there are
  bool first;
  const T* bias;

  [[gnu::always_inline]] void put(Index i, Vector<T> left, Vector<T> right) const {
    constexpr auto n = simd::lanes<T>;
    T* const to = c + i * row;
    if (columns == 2 * n) {
      if (!first) left += simd::load(to), right += simd::load(to + n);
      if (bias) left += simd::load(bias), right += simd::load(bias + n);
      simd::store(to, left);
      simd::store(to + n, right);
      return;
    }
    T values[2 * n];
    simd::store(values, left);
    simd::store(values + n, right);
    for (Index j = 0; j < columns; ++j) {
      if (!first) values[j] += to[j];
      to[j] = bias ? values[j] + bias[j] : values[j];
    }
  }
};

/// Rows x two vectors of a piece: a is packed [steps][Rows], b [steps][tile_columns].
template <class T, Index Rows>
[[gnu::always_inline]] inline void multiply_tile(const T* a, const T* b, Index steps, const Target<T>& to) {
  constexpr auto n = simd::lanes<T>;
  Vector<T> left[Rows]{}, right[Rows]{};
#pragma GCC unroll 4
  for (Index k = 0; k < steps; ++k, a += Rows, b += 2 * n) {
    const auto b0 = simd::load(b), b1 = simd::load(b + n);
    if constexpr (simd::vector_bytes == 64) {  // linear takes up to 7 % less so; AVX2 code up to a tenth more
      __builtin_prefetch(b + 16 * n);
      __builtin_prefetch(b + 17 * n);
    }
#pragma GCC unroll 12
    for (Index i = 0; i < Rows; ++i) {
      const auto factor = simd::broadcast(a[i]);
      left[i] = simd::multiply_add(factor, b0, left[i]);
      right[i] = simd::multiply_add(factor, b1, right[i]);
    }
  }
#pragma GCC unroll 12
  for (Index i = 0; i < Rows; ++i) to.put(i, left[i], right[i]);
}

/// body(height) with the height of a tile as a constant.
template <class Body>
[[gnu::always_inline]] inline void with_height(Index rows, Body body) {
  if (rows == tile_rows) return body(std::integral_constant<Index, tile_rows>());
  if constexpr (fewer_rows != 4)
    if (rows == fewer_rows) return body(std::integral_constant<Index, fewer_rows>());
  if (rows == 4) return body(std::integral_constant<Index, 4>());
  if (rows == 2) return body(std::integral_constant<Index, 2>());
  body(std::integral_constant<Index, 1>());
}

/// The height of the next tile where so many rows are left. 16 are two tiles of 8 rather than one of 12 and
/// one of 4, which takes longer for each row; with vectors of 32 bytes, 8 are two tiles of 4.
inline Index next_height(Index rows) {
  const bool two_are_enough = rows >= 2 * fewer_rows && rows < tile_rows + fewer_rows;
  if (rows >= tile_rows && !two_are_enough) return tile_rows;
  return rows >= fewer_rows ? fewer_rows : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

/// Columns [first, first + tile_columns) of steps [begin, end) of b, zeros beyond the last column.
template <class T>
void pack_columns(const Operand<T>& b, Index n, Index first, Index begin, Index end, T* to) {
  constexpr auto width = tile_columns<T>;
  const auto columns = std::min(width, n - first);
  if (b.column == 1 && columns == width) {
    for (Index k = begin; k < end; ++k, to += width)
      std::memcpy(to, b.data + k * b.row + first, static_cast<std::size_t>(width) * sizeof(T));
    return;
  }
  if (columns < width) std::fill_n(to, (end - begin) * width, T{0});
  if (b.row == 1)
    return transpose_matrix(b.data + first * b.column + begin, b.column, to, width, columns, end - begin);
  for (Index k = begin; k < end; ++k, to += width) std::copy_n(b.data + k * b.row + first, columns, to);
}

/// Rows [first, last) of steps [begin, end) of a, tile by tile.
template <class T>
void pack_rows(const Operand<T>& a, Index first, Index last, Index begin, Index end, T* to) {
  for (Index height; first < last; first += height, to += height * (end - begin)) {
    height = next_height(last - first);
    if (a.column == 1)
      transpose_matrix(a.data + first * a.row + begin, a.row, to, height, height, end - begin);
    else
      with_height(height, [&]<Index rows>(std::integral_constant<Index, rows>) {
        for (Index k = begin; k < end; ++k)
          std::memcpy(to + (k - begin) * rows, a.data + first + k * a.column, rows * sizeof(T));
      });
  }
}

/// Neighbouring tiles of b's columns, one behind the other. Rows of b are read as they lie: the next one may
/// be pages away.
template <class T>
void pack_tiles(const Operand<T>& b, Index n, Index first, Index last, Index begin, Index end, T* to) {
  constexpr auto width = tile_columns<T>;
  const auto size = (end - begin) * width;
  if (b.column == 1 && last * width <= n) {
    for (Index k = begin; k < end; ++k, to += width)
      for (Index tile = first; tile < last; ++tile)
        std::memcpy(to + (tile - first) * size, b.data + k * b.row + tile * width, width * sizeof(T));
    return;
  }
  for (Index tile = first; tile < last; ++tile, to += size) pack_columns(b, n, tile * width, begin, end, to);
}

}  // namespace evenkeel::kernels::product
