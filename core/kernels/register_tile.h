#pragma once
/// The shape of the block of sums that the kernels of convolution keep in registers: some rows (pixels, or
/// weights of one output channel) by a few vectors of channels.

#include <evenkeel/core/kernels/simd.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {

/// Rows for so many vectors: as many sums as leave registers for the operands, and enough of them to hide the
/// latency of a multiply-add.
constexpr std::int64_t tile_height(std::int64_t vectors) {
  if (simd::vector_bytes == 64) return 8;
  return vectors == 1 ? 8 : vectors == 2 ? 6 : 4;
}

/// Neighbouring vectors of channels that are computed together.
struct Columns {
  std::int64_t first, vectors;
};
/// Pairs of vectors; the last ones may be three, and one stands alone only if it is the only one.
inline std::vector<Columns> columns_of(std::int64_t vectors) {
  std::vector<Columns> all;
  for (std::int64_t first = 0; first < vectors;) {
    const auto left = vectors - first, width = left == 3 ? 3 : std::min<std::int64_t>(left, 2);
    all.push_back({first, width});
    first += width;
  }
  return all;
}

/// The first n lanes.
template <class T>
[[gnu::always_inline]] inline simd::Vector<T> load_some(const T* from, std::int64_t n) {
  T lanes[simd::lanes<T>]{};
  std::copy_n(from, n, lanes);
  return simd::load(lanes);
}
template <class T>
[[gnu::always_inline]] inline void store_some(T* to, simd::Vector<T> v, std::int64_t n) {
  T lanes[simd::lanes<T>];
  simd::store(lanes, v);
  std::copy_n(lanes, n, to);
}

}  // namespace evenkeel::kernels
