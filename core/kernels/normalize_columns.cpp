// Groups down the columns of a matrix, with lanes along its rows: channels-last images, (N, C), and images so
// small that a row holds many. Each block (a sample, or the batch) is such a matrix; a row of few channels is
// widened to several. Lanes are summed by themselves, down pieces of the rows, and then folded to groups.

#include <evenkeel/core/kernels/lane_sums.h>
#include <evenkeel/core/kernels/strips.h>

#include <algorithm>
#include <cmath>
#include <vector>

namespace evenkeel::kernels {
namespace {

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

/// to[i] = compute(i, lane) for vectors that cover some rows.
template <bool past_caches, class T, class Compute>
void write_some_rows(const Matrix& m, Index row, Index rows, T* to, Compute compute) {
  constexpr auto n = simd::lanes<T>;
  for (auto i = row * m.width, end = i + rows * m.width; i < end; i += m.width) {
    Index lane = 0;
    for (; lane + n <= m.width; lane += n)
      store_or_stream(past_caches, to + i + lane, compute(i + lane, lane));
    if (lane < m.width) simd::store(to + i + m.width - n, compute(i + m.width - n, m.width - n));
  }
}
template <class T, class Compute>
void write_some_rows(bool past_caches, const Matrix& m, Index row, Index rows, T* to, Compute compute) {
  if (past_caches && m.width % simd::lanes<T> == 0 && to_alignment(to) == 0)
    write_some_rows<true>(m, row, rows, to, compute);
  else
    write_some_rows<false>(m, row, rows, to, compute);
}
/// All rows. The last ones first: they were read last. But threads that share a block each come back to their
/// own part of it.
template <class T, class Compute>
void write_rows(bool past_caches, const Matrix& m, bool share, T* to, Compute compute) {
  const auto step = std::max<Index>(8, elements_per_task / m.width), passes = ceil_div(m.rows, step);
  for_range(share, passes, 1, [&](Index i) {
    const auto row = (share ? i : passes - 1 - i) * step;
    write_some_rows(past_caches, m, row, std::min(step, m.rows - row), to, compute);
  });
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
  find_spreads(f.x, strips_of_moments(groups, f.size), first, first + groups.count, share, f.mean, f.var);
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

/// By given moments dx is dy times a factor: written where the sums have just read dy.
template <class T>
void backward_of_block_by_given(const Backward<T>& b, const Matrix& m, Index index, bool share,
                                TwoSums* by_channel) {
  const auto &groups = b.how.moments, &affine = b.how.affine;
  const T *const x = b.x + index * m.block, *const dy = b.grad + index * m.block;
  T* const dx = b.dx ? b.dx + index * m.block : nullptr;
  const double *const mean = b.mean + index * groups.count, *const var = b.var + index * groups.count;
  const auto invstd = inverse_stds(var, groups.count, b.how.eps);
  std::vector<Factor<T>> factors;
  Room<T> a(m.width);
  GroupOfLane group(groups), channel(affine);
  for (Index lane = 0; lane < m.width; ++lane, ++group, ++channel) {
    factors.emplace_back(mean[*group], invstd[static_cast<std::size_t>(*group)], b.gamma[*channel]);
    a[lane] = factors.back().a;
  }
  const auto by_factor = [dy, a = a.data()](Index i, Index lane) {
    return simd::load(dy + i) * simd::load(a + lane);
  };
  if (b.dgamma) {
    const auto means = spread_to_lanes(m, groups, mean), scales = spread_to_lanes(m, groups, invstd.data());
    const LaneSums sums(m, share, GradientTerms<T>{dy, x, means.data()}, [&](Index row, Index rows) {
      if (dx) write_some_rows(b.is_past_caches(), m, row, rows, dx, by_factor);
    });
    channel = GroupOfLane(affine);
    for (Index lane = 0; lane < m.width; ++lane, ++channel) {
      const TwoSums of_lane = sums(lane);
      by_channel[*channel] += {of_lane.first, of_lane.second * scales[lane]};
    }
  } else if (dx) {
    write_rows(b.is_past_caches(), m, share, dx, by_factor);
  }
  if (!dx) return;
  for (Index lane = 0; lane < m.width; ++lane) {
    const auto& factor = factors[static_cast<std::size_t>(lane)];
    if (factor.extreme)
      for_each_in_lane(m, lane, [&](Index i) { dx[i] = factor(dy[i]); });
    else if (lane < m.tail)
      dx[m.rows * m.width + lane] = factor(dy[m.rows * m.width + lane]);
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
  std::vector<TwoSums> by_group(static_cast<std::size_t>(groups.count));
  GroupOfLane group(groups), channel(affine);
  const LaneSums sums(m, share, GradientTerms<T>{dy, x, means.data()});
  for (Index lane = 0; lane < m.width; ++lane, ++group, ++channel) {
    const TwoSums of_lane = sums(lane);
    const double w = b.gamma[*channel];
    by_group[static_cast<std::size_t>(*group)] += {w * of_lane.first, w * of_lane.second};
    by_channel[*channel] += {of_lane.first, of_lane.second * scales[lane]};
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
  for_each_group(blocks, m.block, [&](Index i, bool share) {
    if (b.how.moments_of_input)
      backward_of_block(b, m, i, share, sums.data() + i * channels);
    else
      backward_of_block_by_given(b, m, i, share, sums.data() + i * channels);
  });
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
