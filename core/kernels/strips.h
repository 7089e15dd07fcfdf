#pragma once
/// Groups made of strips, runs of neighbours at equal distances, and their moments.

#include <evenkeel/core/kernels/normalize_parts.h>

#include <algorithm>
#include <cmath>

namespace evenkeel::kernels {

/// Strips may be cut into units; the sums over a segment, so many units of one channel, stay in vector lanes.
/// All cuts follow from the shape of one group.
struct Strips {
  /// One channel to a group: its strips are summed together, in as many segments as it has pieces. Otherwise
  /// the strips are so long and each is summed for itself.
  Strips(const Groups& partition, Index size, Index strip, bool one_channel)
      : groups(partition), size_(size) {
    const auto row = partition.count * partition.inner, rows = size / partition.blocks / row;
    count = rows > 1 ? rows : partition.inner / strip;
    length = strip;
    step = rows > 1 ? row : strip;
    const auto pieces = pieces_of(one_channel ? count * length : length);
    chunks = one_channel ? ceil_div(pieces, count) : pieces;
    chunk = chunks == 1 ? length : length / chunks / 64 * 64;
    units = count * chunks;
    units_per_segment = one_channel ? ceil_div(units, pieces) : 1;
    segments = ceil_div(units, units_per_segment);
  }
  Index begin(Index group, Index unit) const {
    return groups.first_of(group, size_) + strip_of(unit) * step + chunk_of(unit) * chunk;
  }
  Index length_of(Index unit) const {
    return chunk_of(unit) + 1 < chunks ? chunk : length - chunk_of(unit) * chunk;
  }
  // Short strips, which are not cut, would wait for a division.
  Index strip_of(Index unit) const { return chunks == 1 ? unit : unit / chunks; }
  Index chunk_of(Index unit) const { return chunks == 1 ? 0 : unit % chunks; }
  /// So many units make a task.
  Index grain() const { return at_least_one(elements_per_task / chunk); }
  /// body(unit) for the units of a segment.
  template <class Body>
  [[gnu::always_inline]] inline void for_each_unit(Index segment, Body body) const {
    const auto end = std::min(units, (segment + 1) * units_per_segment);
    for (auto unit = segment * units_per_segment; unit < end; ++unit) body(unit);
  }
  /// From a unit to the next of its group, which is worth fetching meanwhile; 0 where there is none or where
  /// it simply follows.
  Index ahead(Index unit) const { return chunks == 1 && unit + 1 < units && step != length ? step : 0; }
  /// The same from last to first, in which all strips jump.
  Index behind(Index unit) const { return chunks == 1 && unit > 0 ? -step : 0; }

  /// Whether neighbouring groups are read together, strip beside strip: alone, strips this short would touch
  /// a page each, and lines that they share with their neighbours.
  bool side_by_side() const { return count > 1 && step != length && length < 64; }
  /// So many groups are read before the first of them is applied.
  Index together() const {
    if (!side_by_side()) return groups_together(count * length);
    return std::clamp<Index>(elements_side_by_side / (count * length), 1, most_side_by_side);
  }
  static constexpr Index most_side_by_side = 16;

  Groups groups;
  Index count, length, step;  // of the strips of a group
  Index chunks, chunk;        // of a strip
  Index units, units_per_segment, segments;

 private:
  static constexpr Index elements_side_by_side = 32768;  // with as many results, half of the L2
  Index size_;
};

/// The strips whose sums are the moments.
inline Strips strips_of_moments(const Groups& groups, Index size) {
  return {groups, size, groups.inner, true};
}

/// Of `count` neighbouring groups, `most` at most, which may be side by side.
template <Index most, class T>
void find_spreads(const T* x, const Strips& strips, Index first, Index count, bool share, double* mean,
                  double* var) {
  if constexpr (most == 1) count = 1;  // as a constant, which lets the sums stay in registers
  const auto n = static_cast<double>(strips.count * strips.length);
  for (Index g = 0; g < count; ++g) mean[g] = origin_of(static_cast<double>(x[strips.begin(first + g, 0)]));
  for (int sweep = 0; sweep < sweeps<T>; ++sweep) {
    TwoSums parts[most][16];
    for_range(share, strips.segments, 1, [&](Index segment) {
      Lanes sums[most];
      strips.for_each_unit(segment, [&](Index unit) {
        const auto ahead = strips.ahead(unit);
        for (Index g = 0; g < count; ++g) {
          const T* const from = x + strips.begin(first + g, unit);
          const auto k = simd::broadcast(mean[g]);
          sums[g].add(strips.length_of(unit), [=](Index i) {
            __builtin_prefetch(from + i + ahead, 0, 2);
            return spread_terms(simd::load_doubles(from + i), k);
          });
        }
      });
      for (Index g = 0; g < count; ++g) parts[g][segment] = sums[g].total();
    });
    for (Index g = 0; g < count; ++g) {
      if (!std::isfinite(mean[g])) continue;
      TwoSums total;
      for (Index segment = 0; segment < strips.segments; ++segment) total += parts[g][segment];
      const Spread found = spread_about(mean[g], total, n);
      mean[g] = found.mean;
      var[g] = found.var;
    }
  }
  for (Index g = 0; g < count; ++g)
    if (!std::isfinite(mean[g])) var[g] = std::numeric_limits<double>::quiet_NaN();
}
/// Of the groups [first, last), into mean[first], ... and var[first], ...
template <class T>
void find_spreads(const T* x, const Strips& strips, Index first, Index last, bool share, double* mean,
                  double* var) {
  if (!strips.side_by_side())
    for (; first < last; ++first) find_spreads<1>(x, strips, first, 1, share, mean + first, var + first);
  constexpr auto most = Strips::most_side_by_side;
  for (; first < last; first += most)
    find_spreads<most>(x, strips, first, std::min(most, last - first), share, mean + first, var + first);
}

}  // namespace evenkeel::kernels
