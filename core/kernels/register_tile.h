#pragma once
/// The shape of the block of sums that the kernels of convolution keep in registers: some rows (pixels, or
/// weights of one output channel) by a few vectors of channels.

#include <evenkeel/core/kernels/simd.h>

#include <algorithm>
#include <type_traits>
#include <vector>

namespace evenkeel::kernels {

/// Vectors of channels that are computed together at most. The more there are, the fewer loads come with a
/// multiply-add; but three in AVX2's code, whose tiles of four rows then fill all 16 registers, took a tenth
/// to a fifth longer in 1x1 and strided convolution.
inline constexpr std::int64_t most_vectors = simd::vector_bytes == 64 ? 3 : 2;

/// Rows for so many vectors: as many sums as leave registers for the operands, and enough of them to hide the
/// latency of a multiply-add.
constexpr std::int64_t tile_height(std::int64_t vectors) {
  return simd::vector_bytes == 64 || vectors == 1 ? 8 : 6;
}

/// By how many rows the last tile may reach beyond the end.
inline constexpr std::int64_t most_rows_beyond = 3;

/// Calls body(first, height) for tiles that cover so many rows, with the height as a constant: full tiles,
/// and tiles of four rows where full ones would reach far beyond the end.
template <std::int64_t Vectors, class Body>
[[gnu::always_inline]] inline void for_each_tile(std::int64_t rows, Body body) {
  constexpr auto full = tile_height(Vectors), small = std::int64_t{4};
  for (std::int64_t first = 0; first < rows;) {
    const auto left = rows - first;
    if (left > small && left >= full && (full % small == 0 || left != 2 * small)) {
      body(first, std::integral_constant<std::int64_t, full>());
      first += full;
    } else {
      body(first, std::integral_constant<std::int64_t, small>());
      first += small;
    }
  }
}

/// Neighbouring vectors of channels that are computed together.
struct Columns {
  std::int64_t first, vectors;
};
/// As many as possible; pairs at the end, for one alone would have the most loads. One stands alone only if
/// it is the only one, or the last of an odd number where two are the most.
inline std::vector<Columns> columns_of(std::int64_t vectors) {
  std::vector<Columns> all;
  for (std::int64_t first = 0; first < vectors;) {
    const auto left = vectors - first,
               width = most_vectors == 3 && (left == 3 || left > 4) ? 3 : std::min<std::int64_t>(left, 2);
    all.push_back({first, width});
    first += width;
  }
  return all;
}

/// sums[i][v] += from[i][k] * weight[v].
template <class T, std::int64_t Height, std::int64_t Vectors>
[[gnu::always_inline]] inline void add_step(const T* const (&from)[Height], std::int64_t k, const T* weight,
                                            simd::Vector<T> (&sums)[Height][Vectors]) {
  constexpr auto n = simd::lanes<T>;
  simd::Vector<T> w[Vectors];
#pragma GCC unroll 3
  for (std::int64_t v = 0; v < Vectors; ++v) w[v] = simd::load(weight + v * n);
#pragma GCC unroll 8
  for (std::int64_t i = 0; i < Height; ++i) {
    const auto value = simd::broadcast(from[i][k]);
#pragma GCC unroll 3
    for (std::int64_t v = 0; v < Vectors; ++v) sums[i][v] = simd::multiply_add(value, w[v], sums[i][v]);
  }
}

/// sums[i][v] += from[i][k] * weight[k][v] for the steps [begin, end). Returns where the next weights lie.
template <class T, std::int64_t Height, std::int64_t Vectors>
[[gnu::always_inline]] inline const T* add_products(const T* const (&from)[Height], std::int64_t begin,
                                                    std::int64_t end, const T* weight,
                                                    simd::Vector<T> (&sums)[Height][Vectors]) {
  constexpr auto step = Vectors * simd::lanes<T>;
  if constexpr (Vectors == 1) {  // a multiply-add loads its value, but as one operation only without an index
    constexpr std::int64_t together = 4;
    const T* at[Height];
#pragma GCC unroll 8
    for (std::int64_t i = 0; i < Height; ++i) at[i] = from[i] + begin;
    for (; end - begin >= together; begin += together) {
#pragma GCC unroll 4
      for (std::int64_t k = 0; k < together; ++k, weight += step) add_step(at, k, weight, sums);
#pragma GCC unroll 8
      for (std::int64_t i = 0; i < Height; ++i) at[i] = simd::opaque(at[i] + together);
    }
  }
  for (; begin < end; ++begin, weight += step) add_step(from, begin, weight, sums);
  return weight;
}

/// body(vectors) with their number as a constant.
template <class Body>
[[gnu::always_inline]] inline void with_vectors(std::int64_t vectors, Body body) {
  if (vectors == 1)
    body(std::integral_constant<std::int64_t, 1>());
  else if (most_vectors == 2 || vectors == 2)
    body(std::integral_constant<std::int64_t, 2>());
  else
    body(std::integral_constant<std::int64_t, most_vectors>());
}

}  // namespace evenkeel::kernels
