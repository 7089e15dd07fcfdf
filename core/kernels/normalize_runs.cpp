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
    for_each_group(
        f_.how.moments.total(), strips.count * strips.length,
        [&](Index g, bool share) {
          const Spread found = spread_of(f_.x, strips, g, share);
          f_.mean[g] = found.mean;
          f_.var[g] = found.var;
        },
        [&](Index g, bool share) {
          const double invstd = inverse_std(f_.var[g], f_.how.eps);
          const auto ahead = runs_.ahead_of_applying(g, 1);
          for_range(share, runs_.units, runs_.grain(),
                    [&](Index unit) { apply_unit(g, unit, invstd, ahead, runs_.ahead(unit)); });
        });
  }

 private:
  void apply_unit(Index g, Index unit, double invstd, Index ahead, Index write_ahead) {
    const auto begin = runs_.begin(g, unit), length = runs_.length_of(unit),
               c = runs_.channel(runs_.first_channel(g), unit);
    const T* const x = f_.x + begin;
    T* const y = f_.y + begin;
    const Line<T> line(f_.mean[g], invstd, f_.gamma[c], f_.beta[c]);
    if (!line.extreme) return apply(x, y, length, line, ahead, {f_.is_past_caches(), write_ahead});
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
        apply_unit(g, unit, invstd[static_cast<std::size_t>(g)], 0, 0);
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
    for_each_group(
        b_.how.moments.total(), runs_.count * runs_.length, [&](Index g, bool share) { sum_group(g, share); },
        [&](Index g, bool share) {
          if (through_moments_) apply_group(g, share);
        });
    if (b_.dgamma) add_up_parameters();
  }

 private:
  TwoSums& sums(Index g, Index segment) {
    return sums_[static_cast<std::size_t>(g * runs_.segments + segment)];
  }

  void sum_group(Index g, bool share) {
    const double invstd = inverse_std(b_.var[g], b_.how.eps);
    for_range(share, runs_.segments, ceil_div(runs_.grain(), runs_.units_per_segment), [&](Index segment) {
      if (through_moments_ || b_.dgamma) sums(g, segment) = segment_sums(g, segment);
      if (b_.dx && !through_moments_)  // while it is in the L1
        runs_.for_each_unit(segment, [&](Index unit) { scale_unit(g, unit, invstd); });
    });
  }
  void apply_group(Index g, bool share) {
    const double invstd = inverse_std(b_.var[g], b_.how.eps);
    TwoSums total;
    const auto first = runs_.first_channel(g);
    for (Index segment = 0; segment < runs_.segments; ++segment) {
      const double w = b_.gamma[runs_.channel(first, segment * runs_.units_per_segment)];
      total += {w * sums(g, segment).first, w * sums(g, segment).second};
    }
    const auto ahead = runs_.ahead_of_applying(g, 2);
    for_range(share, runs_.units, runs_.grain(), [&](Index i) {  // alone: what was read last comes first
      const auto unit = share ? i : runs_.units - 1 - i;
      apply_unit(g, unit, first, invstd, total, ahead, share ? runs_.ahead(unit) : runs_.behind(unit));
    });
  }
  TwoSums segment_sums(Index g, Index segment) const {
    Lanes sums;
    const auto mean = simd::broadcast(b_.mean[g]);
    runs_.for_each_unit(segment, [&](Index unit) {
      const auto begin = runs_.begin(g, unit), ahead = runs_.ahead(unit);
      const T *const dy = b_.grad + begin, *const x = b_.x + begin;
      sums.add(runs_.length_of(unit), [=](Index i) {
        __builtin_prefetch(dy + i + ahead, 0, 2);
        __builtin_prefetch(x + i + ahead, 0, 2);
        return gradient_terms(simd::load_doubles(dy + i), simd::load_doubles(x + i), mean);
      });
    });
    return sums.total();
  }
  void apply_unit(Index g, Index unit, Index first, double invstd, TwoSums total, Index ahead,
                  Index write_ahead) const {
    const auto begin = runs_.begin(g, unit), length = runs_.length_of(unit);
    const double w = b_.gamma[runs_.channel(first, unit)];
    const T *const dy = b_.grad + begin, *const x = b_.x + begin;
    T* const dx = b_.dx + begin;
    const Slope<T> slope(b_.mean[g], invstd, w, total, b_.count());
    if (!slope.extreme)
      return apply_slope(dy, x, dx, length, slope, ahead, {b_.is_past_caches(), write_ahead});
    for (Index i = 0; i < length; ++i)
      dx[i] = static_cast<T>(slope_at(static_cast<double>(dy[i]), static_cast<double>(x[i]), b_.mean[g],
                                      invstd, w, total, b_.count()));
  }
  void scale_unit(Index g, Index unit, double invstd) const {
    const auto begin = runs_.begin(g, unit), length = runs_.length_of(unit);
    const Factor<T> factor(b_.mean[g], invstd, b_.gamma[runs_.channel(runs_.first_channel(g), unit)]);
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
  for_each_group(groups.total(), strips.count * strips.length, [&](Index g, bool share) {
    const Spread found = spread_of(x, strips, g, share);
    mean[g] = found.mean;
    var[g] = found.var;
  });
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
