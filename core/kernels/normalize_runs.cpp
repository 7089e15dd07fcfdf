// Long runs of neighbours that share a group and a channel. A group is summed and, while it is still in the
// L2, applied; the other strips of a group are fetched one ahead, since nothing else would know that they
// follow.

#include <evenkeel/core/kernels/strips.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {
namespace {

/// The runs of a normalization: the strips of its groups, with the channel of each.
struct Runs : Strips {
  Runs(const Normalization& how, Index size)
      : Strips(how.moments, size, std::min(how.moments.inner, how.affine.inner), of_one_channel(how)),
        one_channel(of_one_channel(how)),
        channels(how.affine.total()) {}
  static bool of_one_channel(const Normalization& how) { return how.moments.inner <= how.affine.inner; }
  /// The channels of a group follow each other, after the last one the first.
  Index first_channel(Index group) const { return (one_channel ? group : group * count) % channels; }
  Index channel(Index first, Index unit) const {
    const auto c = one_channel ? first : first + strip_of(unit);
    return c < channels ? c : c % channels;
  }
  /// From what is applied to what is summed next, which is worth fetching meanwhile: the same place of the
  /// next group, where it is small but has not been found yet, or lies side by side and the L2 holds two of
  /// each of so many arrays.
  Index ahead_of_applying(Index group, Index arrays) const {
    const auto size = count * length;
    if (group + 1 == groups.total()) return 0;
    if (ahead(0) != 0) return arrays * size <= half_of_l2 ? length : 0;
    return step == length && size <= small_group && groups_together(size) == 1 ? size : 0;
  }
  bool one_channel;
  Index channels;

 private:
  static constexpr Index small_group = 16384, half_of_l2 = 131072;
};

template <class T>
void apply(const T* x, T* y, Index length, Line<T> line, Index ahead, Writing writing) {
  const auto hi = simd::broadcast(line.hi), s = simd::broadcast(line.s), t = simd::broadcast(line.t);
  write_run(writing, y, length, [=](Index i) {
    __builtin_prefetch(x + i + ahead, 0, 2);
    return simd::multiply_add(simd::load(x + i) - hi, s, t);
  });
}

template <class T>
void apply_slope(const T* dy, const T* x, T* dx, Index length, Slope<T> slope, Index ahead, Writing writing) {
  const auto hi = simd::broadcast(slope.hi), a = simd::broadcast(slope.a), b = simd::broadcast(slope.b),
             c = simd::broadcast(slope.c);
  write_run(writing, dx, length, [=](Index i) {
    __builtin_prefetch(x + i + ahead, 0, 2);
    __builtin_prefetch(dy + i + ahead, 0, 2);
    return simd::multiply_add(simd::load(dy + i), a, simd::multiply_add(simd::load(x + i) - hi, b, c));
  });
}

template <class T>
class RunsForward {
 public:
  explicit RunsForward(const Forward<T>& f) : f_(f), runs_(f.how, f.size) {}

  void operator()() {
    if (!f_.find_moments) return apply_in_memory_order();
    const auto strips = strips_of_moments(f_.how.moments, f_.size);
    for_each_batch(f_.how.moments.total(), strips.count * strips.length, strips.together(),
                   [&](Index first, Index last, bool share) {
                     find_spreads(f_.x, strips, first, last, share, f_.mean, f_.var);
                     if (strips.side_by_side()) return apply_side_by_side(first, last);
                     for (auto g = first; g < last; ++g) apply_group(g, share);
                   });
  }

 private:
  void apply_group(Index g, bool share) {
    const double invstd = inverse_std(f_.var[g], f_.how.eps);
    const auto ahead = runs_.ahead_of_applying(g, 1), first = runs_.first_channel(g);
    for_range(share, runs_.units, runs_.grain(), [&](Index unit) {
      apply_unit(g, unit, line_of(g, runs_.channel(first, unit), invstd), ahead, runs_.ahead(unit));
    });
  }
  void apply_side_by_side(Index first, Index last) {
    Line<T> lines[Strips::most_side_by_side];
    for (auto g = first; g < last; ++g)
      lines[g - first] = line_of(g, runs_.first_channel(g), inverse_std(f_.var[g], f_.how.eps));
    for (Index unit = 0; unit < runs_.units; ++unit)
      for (auto g = first; g < last; ++g) apply_unit(g, unit, lines[g - first], 0, runs_.ahead(unit));
  }
  Line<T> line_of(Index g, Index channel, double invstd) const {
    return {f_.mean[g], invstd, f_.gamma[channel], f_.beta[channel]};
  }
  void apply_unit(Index g, Index unit, const Line<T>& line, Index ahead, Index write_ahead) {
    const auto begin = runs_.begin(g, unit), length = runs_.length_of(unit);
    const T* const x = f_.x + begin;
    T* const y = f_.y + begin;
    if (!line.extreme) return apply(x, y, length, line, ahead, {f_.is_past_caches(), write_ahead});
    const auto c = runs_.channel(runs_.first_channel(g), unit);
    const double invstd = inverse_std(f_.var[g], f_.how.eps);
    for (Index i = 0; i < length; ++i)
      y[i] = static_cast<T>((static_cast<double>(x[i]) - f_.mean[g]) * invstd * f_.gamma[c] + f_.beta[c]);
  }
  /// With given moments nothing asks for whole groups.
  void apply_in_memory_order() {
    const auto groups = f_.how.moments.total();
    std::vector<double> invstd;
    for (Index g = 0; g < groups; ++g) invstd.push_back(inverse_std(f_.var[g], f_.how.eps));
    const auto& m = f_.how.moments;
    const auto units_of_row = m.count * runs_.chunks;
    const bool in_turn = runs_.step == runs_.length;  // the groups follow each other
    const auto all = groups * runs_.units;
    parallel_for(all, at_least_one(2 * elements_per_task / runs_.chunk), [&](Index i, Index end) {
      for (; i < end; ++i) {
        const auto row = i / units_of_row, within = i % units_of_row;
        const auto g = in_turn ? i / runs_.units : row / runs_.count * m.count + within / runs_.chunks;
        const auto unit =
            in_turn ? i % runs_.units : row % runs_.count * runs_.chunks + within % runs_.chunks;
        const auto c = runs_.channel(runs_.first_channel(g), unit);
        apply_unit(g, unit, line_of(g, c, invstd[static_cast<std::size_t>(g)]), 0, 0);
      }
    });
  }

  Forward<T> f_;
  Runs runs_;
};

template <class T>
class RunsBackward {
 public:
  explicit RunsBackward(const Backward<T>& b)
      : b_(b),
        runs_(b.how, b.size),
        through_moments_(b.how.moments_of_input && b.dx),
        sums_(static_cast<std::size_t>(b.how.moments.total() * runs_.segments)) {}

  void operator()() {
    const auto size = runs_.count * runs_.length;
    for_each_batch(b_.how.moments.total(), size, runs_.together(), [&](Index first, Index last, bool share) {
      if (runs_.side_by_side()) return run_side_by_side(first, last, share);
      for (auto g = first; g < last; ++g) sum_group(g, share);
      if (through_moments_)
        for (auto g = first; g < last; ++g) apply_group(g, share);
    });
    if (b_.dgamma) add_up_parameters();
  }

 private:
  TwoSums& sums(Index g, Index segment) {
    return sums_[static_cast<std::size_t>(g * runs_.segments + segment)];
  }
  double invstd_of(Index g) const { return inverse_std(b_.var[g], b_.how.eps); }
  /// Of a unit of a group that begins with this channel, which takes a division to find.
  double gamma_of(Index first, Index unit) const { return b_.gamma[runs_.channel(first, unit)]; }
  /// Of h = gamma * dy and h * (x - mean), over all of a group.
  TwoSums total_of(Index g) {
    TwoSums total;
    const auto first = runs_.first_channel(g);
    for (Index segment = 0; segment < runs_.segments; ++segment) {
      const double w = gamma_of(first, segment * runs_.units_per_segment);
      total += {w * sums(g, segment).first, w * sums(g, segment).second};
    }
    return total;
  }

  void sum_group(Index g, bool share) {
    const double invstd = invstd_of(g);
    const auto first = runs_.first_channel(g);
    for_range(share, runs_.segments, ceil_div(runs_.grain(), runs_.units_per_segment), [&](Index segment) {
      if (through_moments_ || b_.dgamma) sum_segment<1>(g, 1, segment);
      if (b_.dx && !through_moments_)  // while it is in the L1
        runs_.for_each_unit(segment, [&](Index unit) {
          scale_unit(g, unit, {b_.mean[g], invstd, gamma_of(first, unit)});
        });
    });
  }
  void apply_group(Index g, bool share) {
    const TwoSums total = total_of(g);
    const double invstd = invstd_of(g);
    const auto ahead = runs_.ahead_of_applying(g, 2), first = runs_.first_channel(g);
    for_range(share, runs_.units, runs_.grain(), [&](Index i) {  // alone: what was read last comes first
      const auto unit = share ? i : runs_.units - 1 - i;
      const Slope<T> slope(b_.mean[g], invstd, gamma_of(first, unit), total, b_.count());
      apply_unit(g, unit, slope, total, ahead, share ? runs_.ahead(unit) : runs_.behind(unit));
    });
  }
  void run_side_by_side(Index first, Index last, bool share) {
    constexpr auto most = Strips::most_side_by_side;
    if (through_moments_ || b_.dgamma)
      for_range(share, runs_.segments, 1,
                [&](Index segment) { sum_segment<most>(first, last - first, segment); });
    if (!b_.dx) return;
    if (through_moments_) {
      TwoSums totals[most];
      Slope<T> slopes[most];
      for (auto g = first; g < last; ++g) {
        totals[g - first] = total_of(g);
        slopes[g - first] = {b_.mean[g], invstd_of(g), gamma_of(runs_.first_channel(g), 0), totals[g - first],
                             b_.count()};
      }
      for (Index unit = runs_.units; unit-- > 0;)  // what was read last comes first
        for (auto g = first; g < last; ++g)
          apply_unit(g, unit, slopes[g - first], totals[g - first], 0, runs_.behind(unit));
    } else {
      std::vector<Factor<T>> factors;
      for (auto g = first; g < last; ++g)
        factors.emplace_back(b_.mean[g], invstd_of(g), gamma_of(runs_.first_channel(g), 0));
      for (Index unit = runs_.units; unit-- > 0;)
        for (auto g = first; g < last; ++g) scale_unit(g, unit, factors[static_cast<std::size_t>(g - first)]);
    }
  }
  /// Of `count` neighbouring groups, `most` at most.
  template <Index most>
  void sum_segment(Index first, Index count, Index segment) {
    if constexpr (most == 1) count = 1;  // as a constant, which lets the sums stay in registers
    Lanes lanes[most];
    runs_.for_each_unit(segment, [&](Index unit) {
      const auto ahead = runs_.ahead(unit);
      for (Index g = 0; g < count; ++g) {
        const auto begin = runs_.begin(first + g, unit);
        const auto mean = simd::broadcast(b_.mean[first + g]);
        const T *const dy = b_.grad + begin, *const x = b_.x + begin;
        lanes[g].add(runs_.length_of(unit), [=](Index i) {
          __builtin_prefetch(dy + i + ahead, 0, 2);
          __builtin_prefetch(x + i + ahead, 0, 2);
          return gradient_terms(simd::load_doubles(dy + i), simd::load_doubles(x + i), mean);
        });
      }
    });
    for (Index g = 0; g < count; ++g) sums(first + g, segment) = lanes[g].total();
  }
  void apply_unit(Index g, Index unit, const Slope<T>& slope, TwoSums total, Index ahead,
                  Index write_ahead) const {
    const auto begin = runs_.begin(g, unit), length = runs_.length_of(unit);
    const T *const dy = b_.grad + begin, *const x = b_.x + begin;
    T* const dx = b_.dx + begin;
    if (!slope.extreme)
      return apply_slope(dy, x, dx, length, slope, ahead, {b_.is_past_caches(), write_ahead});
    for (Index i = 0; i < length; ++i)
      dx[i] =
          static_cast<T>(slope_at(static_cast<double>(dy[i]), static_cast<double>(x[i]), b_.mean[g],
                                  invstd_of(g), gamma_of(runs_.first_channel(g), unit), total, b_.count()));
  }
  void scale_unit(Index g, Index unit, const Factor<T>& factor) const {
    const auto begin = runs_.begin(g, unit), length = runs_.length_of(unit);
    const T* const dy = b_.grad + begin;
    T* const dx = b_.dx + begin;
    if (factor.extreme)
      std::transform(dy, dy + length, dx, factor);
    else
      write_run({b_.is_past_caches(), runs_.ahead(unit)}, dx, length,
                [=](Index i) { return simd::load(dy + i) * factor.a; });
  }
  void add_up_parameters() {
    std::vector<TwoSums> of_channel(static_cast<std::size_t>(runs_.channels));
    for (Index g = 0; g < b_.how.moments.total(); ++g) {
      const double invstd = inverse_std(b_.var[g], b_.how.eps);
      const auto first = runs_.first_channel(g);
      for (Index segment = 0; segment < runs_.segments; ++segment) {
        const auto c = runs_.channel(first, segment * runs_.units_per_segment);
        of_channel[static_cast<std::size_t>(c)] += {sums(g, segment).first, sums(g, segment).second * invstd};
      }
    }
    for (Index c = 0; c < runs_.channels; ++c) {
      b_.dbeta[c] = static_cast<T>(of_channel[static_cast<std::size_t>(c)].first);
      b_.dgamma[c] = static_cast<T>(of_channel[static_cast<std::size_t>(c)].second);
    }
  }

  Backward<T> b_;
  Runs runs_;
  bool through_moments_;
  std::vector<TwoSums> sums_;
};

}  // namespace

template <class T>
void moments_of_runs(const T* x, Index size, const Groups& groups, double* mean, double* var) {
  const auto strips = strips_of_moments(groups, size);
  for_each_batch(
      groups.total(), strips.count * strips.length, strips.together(),
      [&](Index first, Index last, bool share) { find_spreads(x, strips, first, last, share, mean, var); });
}

template <class T>
void normalize_runs(const Forward<T>& f) {
  RunsForward<T>{f}();
}
template <class T>
void normalize_runs_backward(const Backward<T>& b) {
  RunsBackward<T>{b}();
}

template void moments_of_runs(const float*, Index, const Groups&, double*, double*);
template void moments_of_runs(const double*, Index, const Groups&, double*, double*);
template void normalize_runs(const Forward<float>&);
template void normalize_runs(const Forward<double>&);
template void normalize_runs_backward(const Backward<float>&);
template void normalize_runs_backward(const Backward<double>&);

}  // namespace evenkeel::kernels
