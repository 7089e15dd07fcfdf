// Groups down the columns of a matrix, with lanes along its rows: channels-last images, (N, C), and images so
// small that a row holds many. Each block (a sample, or the batch) is such a matrix; a row of few channels is
// widened to several. Lanes are summed by themselves, down pieces of the rows, and then folded to groups.

#include <evenkeel/core/kernels/strips.h>

#include <array>
#include <cmath>
#include <vector>

namespace evenkeel::kernels {
namespace {

constexpr Index vector_lanes = simd::lanes<double>;
/// So many vectors of sums a pass keeps in registers.
constexpr Index across = simd::vector_bytes == 64 ? 8 : 4;
/// A pass over some lanes goes down so many elements of all lanes, which the L1 keeps for the next pass.
constexpr Index pass_elements = 8192;
constexpr Index lanes_per_task = 2048;

/// A block as rows of `width` lanes and a tail, the beginning of one more row.
struct Matrix {
  Matrix(const Groups& groups, Index size)
      : block(size / groups.blocks), period(groups.count * groups.inner) {
    const auto per_row = period >= 64 ? 1 : std::min(ceil_div(64, period), block / period);
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
      : m_(m), first_(m.pieces * m.slots), second_(m.pieces * m.slots) {
    std::fill_n(first_.data(), m.pieces * m.slots, 0.0);
    std::fill_n(second_.data(), m.pieces * m.slots, 0.0);
    const auto tasks_across = share ? ceil_div(m.width, lanes_per_task) : 1;
    for_range(share, m.pieces * tasks_across, 1, [&](Index task) {
      const auto piece = task / tasks_across, lane = task % tasks_across * lanes_per_task;
      const auto end = tasks_across == 1 ? m.width : std::min(m.width, lane + lanes_per_task);
      add_piece(piece, lane, end, terms);
    });
    for (Index lane = 0; lane < m.tail; ++lane) {
      const auto at = (m.pieces - 1) * m.slots + m.slot(lane);
      const TwoSums one = terms.one(m.rows * m.width + lane, lane);
      first_[at] += one.first;
      second_[at] += one.second;
    }
  }
  TwoSums operator()(Index lane) const {
    TwoSums total;
    for (Index piece = 0; piece < m_.pieces; ++piece) {
      const auto at = piece * m_.slots + m_.slot(lane);
      total += {first_[at], second_[at]};
    }
    return total;
  }

 private:
  template <class Terms>
  void add_piece(Index piece, Index first_lane, Index last_lane, Terms terms) {
    const auto end = std::min(m_.rows, (piece + 1) * m_.rows_per_piece);
    const auto step = std::max<Index>(8, pass_elements / m_.width);
    for (auto row = piece * m_.rows_per_piece; row < end; row += step) {
      const auto rows = std::min(step, end - row);
      auto lane = first_lane;
      const auto whole = std::min(last_lane, m_.whole);
      for (; lane + across * vector_lanes <= whole; lane += across * vector_lanes)
        add_down<across>(piece, lane, lane, row, rows, terms);
      for (; lane < whole; lane += vector_lanes) add_down<1>(piece, lane, lane, row, rows, terms);
      if (last_lane == m_.width && m_.whole < m_.width)
        add_down<1>(piece, m_.width - vector_lanes, m_.whole, row, rows, terms);
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
    for (auto i = row * m_.width + lane, end = i + rows * m_.width; i < end; i += m_.width)
#pragma GCC unroll 8
      for (Index v = 0; v < vectors; ++v) {
        const TwoVectors t = terms(i + v * vector_lanes, lane + v * vector_lanes);
        a[v] += t.first;
        b[v] += t.second;
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
std::vector<TwoSums> folded(const Matrix& m, const Groups& groups, const LaneSums& sums) {
  std::vector<TwoSums> out(static_cast<std::size_t>(groups.count));
  GroupOfLane group(groups);
  for (Index lane = 0; lane < m.width; ++lane, ++group) out[static_cast<std::size_t>(*group)] += sums(lane);
  return out;
}
/// A value of each group of a block for each lane.
Room<double> spread_to_lanes(const Matrix& m, const Groups& groups, const double* of_group) {
  Room<double> out(m.width);
  GroupOfLane group(groups);
  for (Index lane = 0; lane < m.width; ++lane, ++group) out[lane] = of_group[*group];
  return out;
}
std::vector<double> inverse_stds(const double* var, Index groups, double eps) {
  std::vector<double> out(static_cast<std::size_t>(groups));
  std::transform(var, var + groups, out.begin(), [=](double v) { return inverse_std(v, eps); });
  return out;
}

template <class T>
void moments_of_block(const T* x, const Matrix& m, const Groups& groups, bool share, double* mean,
                      double* var) {
  for (Index g = 0; g < groups.count; ++g) mean[g] = origin_of(static_cast<double>(x[g * groups.inner]));
  const auto n = static_cast<double>(m.block / groups.count);
  for (int sweep = 0; sweep < sweeps<T>; ++sweep) {
    const auto k = spread_to_lanes(m, groups, mean);
    const LaneSums sums(m, share, SpreadTerms<T>{x, k.data()});
    const auto of_group = folded(m, groups, sums);
    for (Index g = 0; g < groups.count; ++g) {
      const Spread found = spread_about(mean[g], of_group[static_cast<std::size_t>(g)], n);
      if (std::isfinite(mean[g])) mean[g] = found.mean;
      var[g] = std::isfinite(mean[g]) ? found.var : std::numeric_limits<double>::quiet_NaN();
    }
  }
}

/// to[i] = compute(i, lane) for so many vectors down some rows.
template <Index vectors, bool past_caches, class T, class Compute>
[[gnu::always_inline]] inline void write_down(const Matrix& m, Index lane, Index row, Index rows, T* to,
                                              Compute compute) {
  constexpr auto n = simd::lanes<T>;
  for (auto i = row * m.width + lane, end = i + rows * m.width; i < end; i += m.width)
#pragma GCC unroll 4
    for (Index v = 0; v < vectors; ++v)
      if constexpr (past_caches)
        simd::stream(to + i + v * n, compute(i + v * n, lane + v * n));
      else
        simd::store(to + i + v * n, compute(i + v * n, lane + v * n));
}
/// to[i] = compute(i, lane) for vectors that cover all rows. The last ones first: they were read last. But
/// threads that share a block each come back to their own part of it.
template <bool past_caches, class T, class Compute>
void write_rows(const Matrix& m, bool share, T* to, Compute compute) {
  constexpr auto n = simd::lanes<T>;
  const auto step = std::max<Index>(8, pass_elements / m.width), passes = ceil_div(m.rows, step);
  for_range(share, passes, 1, [&](Index i) {
    const auto row = (share ? i : passes - 1 - i) * step, rows = std::min(step, m.rows - row);
    Index lane = 0;
    for (; lane + 4 * n <= m.width; lane += 4 * n)
      write_down<4, past_caches>(m, lane, row, rows, to, compute);
    for (; lane + n <= m.width; lane += n) write_down<1, past_caches>(m, lane, row, rows, to, compute);
    if (lane < m.width) write_down<1, false>(m, m.width - n, row, rows, to, compute);
  });
}
template <class T, class Compute>
void write_rows(bool past_caches, const Matrix& m, bool share, T* to, Compute compute) {
  if (past_caches && m.width % simd::lanes<T> == 0 && to_alignment(to) == 0)
    write_rows<true>(m, share, to, compute);
  else
    write_rows<false>(m, share, to, compute);
}
/// one(i) for the elements of a lane.
template <class One>
void for_each_in_lane(const Matrix& m, Index lane, One one) {
  for (auto i = lane; i < m.block; i += m.width) one(i);
}

/// By the loops that find them alone: long strips of a group are summed as such.
template <class T>
void find_moments(const Forward<T>& f, const Matrix& m, Index b, bool share) {
  const auto& groups = f.how.moments;
  const auto first = b * groups.count;
  if (path_of(groups, f.size) == Path::columns)
    return moments_of_block(f.x + b * m.block, m, groups, share, f.mean + first, f.var + first);
  const auto strips = strips_of_moments(groups, f.size);
  for (auto g = first; g < first + groups.count; ++g) {
    const Spread found = spread_of(f.x, strips, g, share);
    f.mean[g] = found.mean;
    f.var[g] = found.var;
  }
}

template <class T>
void normalize_block(const Forward<T>& f, const Matrix& m, Index b, bool share) {
  const auto &groups = f.how.moments, &affine = f.how.affine;
  const T* const x = f.x + b * m.block;
  T* const y = f.y + b * m.block;
  double *const mean = f.mean + b * groups.count, *const var = f.var + b * groups.count;
  if (f.find_moments) find_moments(f, m, b, share);
  const auto invstd = inverse_stds(var, groups.count, f.how.eps);
  Room<T> coefficients(3 * m.width);
  T *const hi = coefficients.data(), *const s = hi + m.width, *const t = s + m.width;
  std::vector<Index> extreme;
  GroupOfLane group(groups), channel(affine);
  for (Index lane = 0; lane < m.width; ++lane, ++group, ++channel) {
    const Line<T> line(mean[*group], invstd[static_cast<std::size_t>(*group)], f.gamma[*channel],
                       f.beta[*channel]);
    hi[lane] = line.hi;
    s[lane] = line.s;
    t[lane] = line.t;
    if (line.extreme) extreme.push_back(lane);
  }
  write_rows(f.is_past_caches(), m, share, y, [=](Index i, Index lane) {
    return simd::multiply_add(simd::load(x + i) - simd::load(hi + lane), simd::load(s + lane),
                              simd::load(t + lane));
  });
  for (Index lane = 0; lane < m.tail; ++lane) {
    const auto i = m.rows * m.width + lane;
    y[i] = simd::multiply_add(x[i] - hi[lane], s[lane], t[lane]);
  }
  for (const auto lane : extreme) {
    const auto g = lane / groups.inner % groups.count, c = lane / affine.inner % affine.count;
    for_each_in_lane(m, lane, [&](Index i) {
      y[i] = static_cast<T>((static_cast<double>(x[i]) - mean[g]) * invstd[static_cast<std::size_t>(g)] *
                                f.gamma[c] +
                            f.beta[c]);
    });
  }
}

/// Writes dx of a block and its sums of dy and dy * xhat by channel.
template <class T>
void backward_of_block(const Backward<T>& b, const Matrix& m, Index index, bool share, TwoSums* by_channel) {
  const auto &groups = b.how.moments, &affine = b.how.affine;
  const T *const x = b.x + index * m.block, *const dy = b.grad + index * m.block;
  const double *const mean = b.mean + index * groups.count, *const var = b.var + index * groups.count;
  const auto invstd = inverse_stds(var, groups.count, b.how.eps);
  const auto means = spread_to_lanes(m, groups, mean), scales = spread_to_lanes(m, groups, invstd.data());
  const bool through_moments = b.how.moments_of_input && b.dx;
  std::vector<TwoSums> by_group(static_cast<std::size_t>(groups.count));
  GroupOfLane group(groups), channel(affine);
  if (through_moments || b.dgamma) {
    const LaneSums sums(m, share, GradientTerms<T>{dy, x, means.data()});
    for (Index lane = 0; lane < m.width; ++lane, ++group, ++channel) {
      const TwoSums of_lane = sums(lane);
      const double w = b.gamma[*channel];
      if (through_moments)
        by_group[static_cast<std::size_t>(*group)] += {w * of_lane.first, w * of_lane.second};
      by_channel[*channel] += {of_lane.first, of_lane.second * scales[lane]};
    }
  }
  if (!b.dx) return;
  T* const dx = b.dx + index * m.block;
  Room<T> coefficients(4 * m.width);
  T *const hi = coefficients.data(), *const s = hi + m.width, *const t = s + m.width, *const u = t + m.width;
  std::vector<Index> extreme;
  group = GroupOfLane(groups);
  channel = GroupOfLane(affine);
  for (Index lane = 0; lane < m.width; ++lane, ++group, ++channel) {
    const auto g = static_cast<std::size_t>(*group);
    const Slope<T> slope(mean[*group], invstd[g], b.gamma[*channel], by_group[g], b.count());
    hi[lane] = slope.hi;
    s[lane] = slope.a;
    t[lane] = slope.b;
    u[lane] = slope.c;
    if (slope.extreme) extreme.push_back(lane);
  }
  write_rows(b.is_past_caches(), m, share, dx, [=](Index i, Index lane) {
    const auto centred = simd::multiply_add(simd::load(x + i) - simd::load(hi + lane), simd::load(t + lane),
                                            simd::load(u + lane));
    return simd::multiply_add(simd::load(dy + i), simd::load(s + lane), centred);
  });
  for (Index lane = 0; lane < m.tail; ++lane) {
    const auto i = m.rows * m.width + lane;
    dx[i] = simd::multiply_add(dy[i], s[lane], simd::multiply_add(x[i] - hi[lane], t[lane], u[lane]));
  }
  for (const auto lane : extreme) {
    const auto g = lane / groups.inner % groups.count;
    for_each_in_lane(m, lane, [&](Index i) {
      dx[i] = static_cast<T>(slope_at(
          static_cast<double>(dy[i]), static_cast<double>(x[i]), mean[g], invstd[static_cast<std::size_t>(g)],
          b.gamma[lane / affine.inner % affine.count], by_group[static_cast<std::size_t>(g)], b.count()));
    });
  }
}

}  // namespace

template <class T>
void moments_of_columns(const T* x, Index size, const Groups& groups, double* mean, double* var) {
  const Matrix m(groups, size);
  for_each_group(groups.blocks, m.block, [&](Index b, bool share) {
    moments_of_block(x + b * m.block, m, groups, share, mean + b * groups.count, var + b * groups.count);
  });
}

template <class T>
void normalize_columns(const Forward<T>& f) {
  const Matrix m(f.how.moments, f.size);
  for_each_group(f.how.moments.blocks, m.block,
                 [&](Index b, bool share) { normalize_block(f, m, b, share); });
}

template <class T>
void normalize_columns_backward(const Backward<T>& b) {
  const Matrix m(b.how.moments, b.size);
  const auto blocks = b.how.moments.blocks, channels = b.how.affine.count;
  std::vector<TwoSums> sums(static_cast<std::size_t>(blocks * channels));
  for_each_group(blocks, m.block,
                 [&](Index i, bool share) { backward_of_block(b, m, i, share, sums.data() + i * channels); });
  if (!b.dgamma) return;
  for (Index c = 0; c < channels; ++c) {
    TwoSums total;
    for (Index i = 0; i < blocks; ++i) total += sums[static_cast<std::size_t>(i * channels + c)];
    b.dbeta[c] = static_cast<T>(total.first);
    b.dgamma[c] = static_cast<T>(total.second);
  }
}

template void moments_of_columns(const float*, Index, const Groups&, double*, double*);
template void moments_of_columns(const double*, Index, const Groups&, double*, double*);
template void normalize_columns(const Forward<float>&);
template void normalize_columns(const Forward<double>&);
template void normalize_columns_backward(const Backward<float>&);
template void normalize_columns_backward(const Backward<double>&);

}  // namespace evenkeel::kernels
