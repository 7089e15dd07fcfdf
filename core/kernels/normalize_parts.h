#pragma once
/// What the fast paths of normalization share.
///
/// Statistics: every term and sum is a double. float32 needs one sweep, of x - k and (x - k)^2 with k an
/// element of the group: then (k - mean)^2 <= n var, so the cancellation in sum (x - k)^2 - n (k - mean)^2 is
/// at most 1 + n times 2^-53. float64 takes a second sweep about the mean that the first one found.
///
/// Application in float32: with hi the float next to the mean, y = (x - hi) * s + t, where s = gamma * invstd
/// and t = beta - gamma * invstd * (mean - hi) come from doubles. No element is nearer to the mean than hi,
/// so what t adds to beta is never more than one standard deviation times gamma. A constant group has x - hi
/// = 0 and mean = hi: y is beta.
///
/// Sums are cut by the shape of a group alone and combined in order: the same bits for every number of
/// threads and every number of other groups.

#include <evenkeel/core/groups.h>
#include <evenkeel/core/kernels/normalize_plain.h>
#include <evenkeel/core/kernels/simd.h>
#include <evenkeel/core/kernels/stream.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <cmath>
#include <type_traits>

namespace evenkeel::kernels {

using Index = std::int64_t;

/// What the sums of a group are taken relative to, given its first element: a constant then sums to exactly
/// 0. An Inf would turn all differences to NaN.
inline double origin_of(double first) { return std::isfinite(first) ? first : 0; }

/// A parameter, or its default where it is absent.
template <class T>
class Scale {
 public:
  Scale(const Array& values, double otherwise)
      : values_(values.defined() ? values.data<T>().data() : nullptr), otherwise_(otherwise) {}
  double operator[](Index i) const { return values_ ? static_cast<double>(values_[i]) : otherwise_; }
  /// Null where it is absent.
  const T* data() const { return values_; }

 private:
  const T* values_;
  double otherwise_;
};

/// Room for values yet to be written. Few lie in the object itself: threads with many small groups would
/// wait for each other at the pool of arrays. More come from the pool: fresh pages would cost more than the
/// sums.
template <class T>
class Room {
 public:
  explicit Room(Index size)
      : array_(size > few ? Array::uninitialized({size}, dtype_of<T>) : Array()),
        data_(size > few ? array_.template mutable_data<T>().data() : nullptr) {}
  T* data() { return data_ ? data_ : own_; }
  const T* data() const { return data_ ? data_ : own_; }
  T& operator[](Index i) { return data()[i]; }
  const T& operator[](Index i) const { return data()[i]; }

 private:
  static constexpr Index few = 256;
  Array array_;
  T* data_;
  alignas(64) T own_[few];  // NOLINT: not initialized
};

/// Two sums over the same elements: of x - k and (x - k)^2, or of dy and dy * (x - mean).
struct TwoSums {
  double first = 0, second = 0;
  TwoSums& operator+=(const TwoSums& other) {
    first += other.first;
    second += other.second;
    return *this;
  }
};
struct TwoVectors {
  simd::Doubles first, second;
};

[[gnu::always_inline]] inline TwoVectors spread_terms(simd::Doubles x, simd::Doubles k) {
  const auto apart = x - k;
  return {apart, apart * apart};
}
[[gnu::always_inline]] inline TwoVectors gradient_terms(simd::Doubles dy, simd::Doubles x,
                                                        simd::Doubles mean) {
  return {dy, dy * (x - mean)};
}

/// Two sums over runs of neighbours, in the lanes of vectors.
struct Lanes {
  simd::Doubles first[2]{}, second[2]{};

  /// Adds terms(i) of elements i, i + 1, ... for all of [0, length); length is at least a vector of doubles.
  template <class Terms>
  [[gnu::always_inline]] inline void add(Index length, Terms terms) {
    constexpr auto n = simd::lanes<double>;
    auto a = first[0], b = first[1], c = second[0], d = second[1];
    Index i = 0;
    for (; i + 2 * n <= length; i += 2 * n) {
      const TwoVectors even = terms(i), odd = terms(i + n);
      a += even.first;
      b += odd.first;
      c += even.second;
      d += odd.second;
    }
    if (i + n <= length) {
      const TwoVectors even = terms(i);
      a += even.first;
      c += even.second;
      i += n;
    }
    if (i < length) {  // the last vector once more, without what was counted
      const TwoVectors odd = terms(length - n);
      b += simd::without_first<double>(n - (length - i), odd.first);
      d += simd::without_first<double>(n - (length - i), odd.second);
    }
    first[0] = a;
    first[1] = b;
    second[0] = c;
    second[1] = d;
  }
  TwoSums total() const {
    return {simd::sum_of_lanes(first[0] + first[1]), simd::sum_of_lanes(second[0] + second[1])};
  }
};

struct Spread {
  double mean = 0, var = 0;
};
/// How often the elements of a group are summed, each time about the mean found before.
template <class T>
inline constexpr int sweeps = std::is_same_v<T, float> ? 1 : 2;
/// From sums of x - k and (x - k)^2 over n elements.
inline Spread spread_about(double k, TwoSums sums, double n) {
  const double apart = sums.first / n;
  return {k + apart, std::max(sums.second - sums.first * apart, 0.0) / n};  // NaN stays
}

/// Whether single floats would overflow or run out of bits where the result does not; NaN is no such case.
inline bool is_extreme(double mean, double invstd, double factor) {
  constexpr double huge = 0x1p100, large = 0x1p40;
  const bool out = std::abs(mean) > huge || invstd > large || (invstd > 0 && invstd < 1 / large);
  return (out || std::abs(factor) > huge) && !std::isnan(invstd);
}

/// y = (x - hi) * s + t.
template <class T>
struct Line {
  Line() = default;
  Line(double mean, double invstd, double gamma, double beta)
      : hi(static_cast<T>(mean)),
        s(static_cast<T>(gamma * invstd)),
        t(static_cast<T>(beta - gamma * invstd * (mean - static_cast<double>(hi)))),
        extreme(std::is_same_v<T, float> && is_extreme(mean, invstd, gamma * invstd)) {}
  T hi{}, s{}, t{};
  bool extreme = false;
};

/// dx = dy * a + ((x - hi) * b + c); sums are those of h = gamma * dy and h * (x - mean) over the n elements
/// of the group.
template <class T>
struct Slope {
  Slope() = default;
  Slope(double mean, double invstd, double gamma, TwoSums sums, double n)
      : hi(static_cast<T>(mean)), a(static_cast<T>(gamma * invstd)) {
    const double slope = -invstd * invstd * invstd * sums.second / n;
    b = static_cast<T>(slope);
    c = static_cast<T>(-invstd * sums.first / n - slope * (mean - static_cast<double>(hi)));
    extreme =
        std::is_same_v<T, float> && (is_extreme(mean, invstd, slope) || is_extreme(0, 1, gamma * invstd));
  }
  T hi{}, a{}, b{}, c{};
  bool extreme = false;
};
/// dx = dy * a, which is all by given moments. The moments' own gradients are not asked for, so x has no say,
/// not even as NaN.
template <class T>
struct Factor {
  Factor(double mean, double invstd, double gamma)
      : wide(gamma * invstd),
        a(static_cast<T>(wide)),
        extreme(std::is_same_v<T, float> && (is_extreme(mean, invstd, wide) || is_extreme(0, 1, wide))) {}
  T operator()(T dy) const { return extreme ? static_cast<T>(static_cast<double>(dy) * wide) : dy * a; }
  double wide;
  T a;
  bool extreme;
};
/// Slope's dx in double, for extreme groups.
inline double slope_at(double dy, double x, double mean, double invstd, double gamma, TwoSums sums,
                       double n) {
  const double xhat = (x - mean) * invstd;
  return invstd * (gamma * dy - sums.first / n - xhat * (sums.second * invstd / n));
}

/// body(i) for [0, n): shared out among the threads, `grain` at a time, or by this one.
template <class Body>
void for_range(bool share, Index n, Index grain, Body body) {
  const auto range = [&](Index i, Index end) {
    for (; i < end; ++i) body(i);
  };
  if (share)
    parallel_for(n, grain, range);
  else
    range(0, n);
}

/// Groups smaller than this are summed in one piece, by one thread.
inline constexpr Index elements_of_piece = 16384;

/// Of small groups, so many are found before the first is applied: what ends the sums of one, a chain of
/// divisions and roots, runs beside the sums of the next. They stay in the L1, even with their gradients.
inline Index groups_together(Index size_of_group) {
  constexpr Index elements_together = 2048;
  return at_least_one(elements_together / size_of_group);
}

/// body(first, last, share) for `together` groups at a time: these are tasks, unless there are only a few
/// large groups; those come one by one, to be shared by the threads piece by piece.
template <class Body>
void for_each_batch(Index groups, Index size_of_group, Index together, Body body) {
  const bool share = groups < 8 && size_of_group > elements_of_piece;
  const auto some = [&](Index first, Index end) {
    for (; first < end; first += together) body(first, std::min(first + together, end), share);
  };
  if (share) {
    together = 1;
    some(0, groups);
  } else {
    parallel_for(groups, std::max(2 * elements_per_task / size_of_group, together), some);
  }
}
/// find(group, share), then apply(group, share), for some small groups at a time.
template <class Find, class Apply>
void for_each_group(Index groups, Index size_of_group, Find find, Apply apply) {
  for_each_batch(groups, size_of_group, groups_together(size_of_group),
                 [&](Index first, Index last, bool share) {
                   for (auto g = first; g < last; ++g) find(g, share);
                   for (auto g = first; g < last; ++g) apply(g, share);
                 });
}
template <class Find>
void for_each_group(Index groups, Index size_of_group, Find find) {
  for_each_group(groups, size_of_group, find, [](Index, bool) {});
}

/// Into how many pieces a group of so many elements may be cut.
inline Index pieces_of(Index elements) { return std::clamp<Index>(elements / elements_of_piece, 1, 16); }

/// What a path reads and writes.
template <class T>
struct Forward {
  const T* x;
  T* y;
  Index size;
  Scale<T> gamma, beta;
  double *mean, *var;  // per group: given, or found
  bool find_moments;
  const Normalization& how;

  double count() const { return static_cast<double>(size / how.moments.total()); }
  bool is_past_caches() const { return kernels::is_past_caches(size * Index{sizeof(T)}); }
};
template <class T>
struct Backward {
  const T *grad, *x;
  Scale<T> gamma;
  const double *mean, *var;
  Index size;
  const Normalization& how;
  T *dx, *dgamma, *dbeta;  // null where not wanted

  double count() const { return static_cast<double>(size / how.moments.total()); }
  bool is_past_caches() const { return kernels::is_past_caches(size * Index{sizeof(T)}); }
};

/// Which loops suit a partition; each has its file.
enum class Path : std::uint8_t {
  plain,    ///< any partition, element by element
  runs,     ///< long runs of neighbours that share group and channel: batch, instance, group norm
  rows,     ///< contiguous groups with a scale for each element: layer norm, and short runs
  columns,  ///< groups down the columns of a matrix: channels-last, (N, C), and short runs
  rounded,  ///< plain by given moments, for batches that are too small for runs and columns
};
/// The loops that find the moments follow from the partition of the moments alone.
Path path_of(const Groups& moments, Index size);
Path path_of(const Normalization& how, Index size);

template <class T>
void moments_of_runs(const T* x, Index size, const Groups& groups, double* mean, double* var);
template <class T>
void moments_of_columns(const T* x, Index size, const Groups& groups, double* mean, double* var);
template <class T>
void normalize_runs(const Forward<T>& f);
template <class T>
void normalize_rows(const Forward<T>& f);
template <class T>
void normalize_columns(const Forward<T>& f);
template <class T>
void normalize_runs_backward(const Backward<T>& b);
template <class T>
void normalize_rows_backward(const Backward<T>& b);
template <class T>
void normalize_columns_backward(const Backward<T>& b);

}  // namespace evenkeel::kernels
