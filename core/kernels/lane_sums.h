#pragma once
/// A block of channels-last images, or of (N, C), as a matrix, and two sums down each of its columns, the
/// lanes.

#include <evenkeel/core/kernels/normalize_parts.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {

inline constexpr Index vector_lanes = simd::lanes<double>;
/// So many vectors of sums a pass keeps in registers.
inline constexpr Index across = simd::vector_bytes == 64 ? 8 : 4;
/// A pass over these goes down so few elements of all lanes, and fetches what comes after those in its own
/// lanes, that memory is read as it lies: columns would be too far apart for prefetchers.
inline constexpr Index pass_elements = 512;
/// Rows of fewer lanes than fill a pass are widened: the more lanes share a group, the shorter its chains.
inline constexpr Index fewest_lanes = simd::vector_bytes == 64 ? 64 : 16;
inline constexpr Index wide_row = 64;
inline constexpr Index lanes_per_task = 2048;

/// A block as rows of `width` lanes and a tail, the beginning of one more row.
struct Matrix {
  Matrix(const Groups& groups, Index size)
      : block(size / groups.blocks), period(groups.count * groups.inner) {
    const auto per_row = period >= fewest_lanes ? 1 : std::min(ceil_div(wide_row, period), block / period);
    width = per_row * period;
    rows = block / width;
    tail = block % width;
    const auto pieces_wanted = std::min(pieces_of(block), at_least_one(rows / 8));
    rows_per_piece = ceil_div(rows, pieces_wanted);
    pieces = ceil_div(rows, rows_per_piece);
    whole = width / vector_lanes * vector_lanes;
    slots = whole + (whole < width ? vector_lanes : 0);
  }
  /// Where the sums of a lane are: the lanes beyond the whole vectors are in one of their own, which
  /// overlaps.
  Index slot(Index lane) const { return lane < whole ? lane : lane + slots - width; }

  Index rows_per_pass() const { return std::max<Index>(8, pass_elements / width); }

  Index block, period;
  Index width, rows, tail;
  Index pieces, rows_per_piece;
  Index whole, slots;
};

/// Counts through the lanes with the group of each.
class GroupOfLane {
 public:
  explicit GroupOfLane(const Groups& groups) : groups_(groups) {}
  Index operator*() const { return group_; }
  void operator++() {
    if (++within_ < groups_.inner) return;
    within_ = 0;
    if (++group_ == groups_.count) group_ = 0;
  }

 private:
  Groups groups_;
  Index within_ = 0, group_ = 0;
};

/// The terms of elements i, i + 1, ... in lanes l, l + 1, ...
template <class T>
struct SpreadTerms {
  const T* x;
  const double* k;
  [[gnu::always_inline]] TwoVectors operator()(Index i, Index lane) const {
    return spread_terms(simd::load_doubles(x + i), simd::load(k + lane));
  }
  void prefetch(Index i) const { __builtin_prefetch(x + i); }
  TwoSums one(Index i, Index lane) const {
    const double apart = static_cast<double>(x[i]) - k[lane];
    return {apart, apart * apart};
  }
};
template <class T>
struct GradientTerms {
  const T *grad, *x;
  const double* mean;
  [[gnu::always_inline]] TwoVectors operator()(Index i, Index lane) const {
    return gradient_terms(simd::load_doubles(grad + i), simd::load_doubles(x + i), simd::load(mean + lane));
  }
  void prefetch(Index i) const {
    __builtin_prefetch(grad + i);
    __builtin_prefetch(x + i);
  }
  TwoSums one(Index i, Index lane) const {
    const auto dy = static_cast<double>(grad[i]);
    return {dy, dy * (static_cast<double>(x[i]) - mean[lane])};
  }
};

/// Two sums for every lane of a block.
class LaneSums {
 public:
  template <class Terms>
  LaneSums(const Matrix& m, bool share, Terms terms)
      : LaneSums(m, share, terms, share ? ceil_div(m.width, lanes_per_task) : 1, [](Index, Index) {}) {}
  /// Calls after(row, rows) for rows whose terms were just read.
  template <class Terms, class After>
  LaneSums(const Matrix& m, bool share, Terms terms, After after) : LaneSums(m, share, terms, 1, after) {}

  TwoSums operator()(Index lane) const {
    TwoSums total;
    for (Index piece = 0; piece < m_.pieces; ++piece) {
      const auto at = piece * m_.slots + m_.slot(lane);
      total += {first_[at], second_[at]};
    }
    return total;
  }

 private:
  template <class Terms, class After>
  LaneSums(const Matrix& m, bool share, Terms terms, Index tasks_across, After after)
      : m_(m), first_(m.pieces * m.slots), second_(m.pieces * m.slots) {
    std::fill_n(first_.data(), m.pieces * m.slots, 0.0);
    std::fill_n(second_.data(), m.pieces * m.slots, 0.0);
    for_range(share, m.pieces * tasks_across, 1, [&](Index task) {
      const auto piece = task / tasks_across, lane = task % tasks_across * lanes_per_task;
      const auto end = tasks_across == 1 ? m.width : std::min(m.width, lane + lanes_per_task);
      add_piece(piece, lane, end, terms, after);
    });
    for (Index lane = 0; lane < m.tail; ++lane) {
      const auto at = (m.pieces - 1) * m.slots + m.slot(lane);
      const TwoSums one = terms.one(m.rows * m.width + lane, lane);
      first_[at] += one.first;
      second_[at] += one.second;
    }
  }

  template <class Terms, class After>
  void add_piece(Index piece, Index first_lane, Index last_lane, Terms terms, After after) {
    const auto end = std::min(m_.rows, (piece + 1) * m_.rows_per_piece);
    const auto step = m_.rows_per_pass();
    for (auto row = piece * m_.rows_per_piece; row < end; row += step) {
      const auto rows = std::min(step, end - row);
      auto lane = first_lane;
      const auto whole = std::min(last_lane, m_.whole);
      for (; lane + across * vector_lanes <= whole; lane += across * vector_lanes)
        add_down<across>(piece, lane, lane, row, rows, terms);
      for (; lane < whole; lane += vector_lanes) add_down<1>(piece, lane, lane, row, rows, terms);
      if (last_lane == m_.width && m_.whole < m_.width)
        add_down<1>(piece, m_.width - vector_lanes, m_.whole, row, rows, terms);
      after(row, rows);
    }
  }
  template <Index vectors, class Terms>
  void add_down(Index piece, Index lane, Index slot, Index row, Index rows, Terms terms) {
    double* const first = first_.data() + piece * m_.slots + slot;
    double* const second = second_.data() + piece * m_.slots + slot;
    simd::Doubles a[vectors], b[vectors];
    for (Index v = 0; v < vectors; ++v) {
      a[v] = simd::load(first + v * vector_lanes);
      b[v] = simd::load(second + v * vector_lanes);
    }
    const auto pass = rows * m_.width;
    for (auto i = row * m_.width + lane, end = i + pass; i < end; i += m_.width) {
#pragma GCC unroll 8
      for (Index v = 0; v < vectors; v += 16 / vector_lanes) terms.prefetch(i + pass + v * vector_lanes);
#pragma GCC unroll 8
      for (Index v = 0; v < vectors; ++v) {
        const TwoVectors t = terms(i + v * vector_lanes, lane + v * vector_lanes);
        a[v] += t.first;
        b[v] += t.second;
      }
    }
    for (Index v = 0; v < vectors; ++v) {
      simd::store(first + v * vector_lanes, a[v]);
      simd::store(second + v * vector_lanes, b[v]);
    }
  }

  const Matrix& m_;
  Room<double> first_, second_;
};

/// The sums of the groups of a block.
inline std::vector<TwoSums> folded(const Matrix& m, const Groups& groups, const LaneSums& sums) {
  std::vector<TwoSums> out(static_cast<std::size_t>(groups.count));
  GroupOfLane group(groups);
  for (Index lane = 0; lane < m.width; ++lane, ++group) out[static_cast<std::size_t>(*group)] += sums(lane);
  return out;
}
/// A value of each group of a block for each lane.
inline Room<double> spread_to_lanes(const Matrix& m, const Groups& groups, const double* of_group) {
  Room<double> out(m.width);
  GroupOfLane group(groups);
  for (Index lane = 0; lane < m.width; ++lane, ++group) out[lane] = of_group[*group];
  return out;
}

}  // namespace evenkeel::kernels
