// Contiguous groups, the rows, with a scale for each element: layer norm; group norm of (N, C); instance and
// group norm of small images, whose scales are repeated to one an element. The scales repeat after `turns`
// rows. Backwards, four rows at a time share each visit to the scales and to the sums of their gradients.

#include <evenkeel/core/kernels/strips.h>

#include <vector>

namespace evenkeel::kernels {
namespace {

constexpr Index long_row = 32768;

/// How rows and scales meet.
struct Turn {
  explicit Turn(const Normalization& how)
      : row(how.moments.inner), size(std::max(row, how.affine.count * how.affine.inner)), turns(size / row) {}
  Index row, size, turns;
};

/// A parameter with one value for each element of a turn.
template <class T>
class Repeated {
 public:
  Repeated(const Scale<T>& scale, const Groups& affine, const Turn& turn)
      : room_(is_ready(scale, affine, turn) ? 0 : turn.size),
        values_(is_ready(scale, affine, turn) ? scale.data() : room_.data()) {
    if (!is_ready(scale, affine, turn)) fill(scale, affine, turn.size);
  }
  const T* of_row(Index row, const Turn& turn) const { return values_ + row % turn.turns * turn.row; }

 private:
  static bool is_ready(const Scale<T>& scale, const Groups& affine, const Turn& turn) {
    return scale.data() && affine.count == turn.size;
  }
  void fill(const Scale<T>& scale, const Groups& affine, Index size) {
    Index i = 0;
    for (Index c = 0; c < affine.count; ++c)
      for (const auto end = std::min(size, i + affine.inner); i < end; ++i)
        room_[i] = static_cast<T>(scale[c]);
    for (const Index period = affine.count * affine.inner; i < size; ++i) room_[i] = room_[i - period];
  }
  Room<T> room_;
  const T* values_;
};

template <class T>
class RowsForward {
 public:
  explicit RowsForward(const Forward<T>& f)
      : f_(f), turn_(f.how), gamma_(f.gamma, f.how.affine, turn_), beta_(f.beta, f.how.affine, turn_) {}

  void operator()() {
    const auto strips = strips_of_moments(f_.how.moments, f_.size);
    for_each_group(f_.how.moments.total(), turn_.row, [&](Index row, bool share) {
      if (f_.find_moments) {
        const Spread found = spread_of(f_.x, strips, row, share);
        f_.mean[row] = found.mean;
        f_.var[row] = found.var;
      }
      for_range(share, ceil_div(turn_.row, elements_per_task), 1, [&](Index piece) {
        apply(row, piece * elements_per_task, std::min(turn_.row, (piece + 1) * elements_per_task));
      });
    });
  }

 private:
  void apply(Index row, Index i, Index end) const {
    constexpr auto n = simd::lanes<T>;
    const double invstd = inverse_std(f_.var[row], f_.how.eps);
    const T* const x = f_.x + row * turn_.row;
    T* const y = f_.y + row * turn_.row;
    const T *const gamma = gamma_.of_row(row, turn_), *const beta = beta_.of_row(row, turn_);
    const Line<T> line(f_.mean[row], invstd, 1, 0);
    if (line.extreme) {
      for (; i < end; ++i)
        y[i] = static_cast<T>((static_cast<double>(x[i]) - f_.mean[row]) * invstd *
                                  static_cast<double>(gamma[i]) +
                              static_cast<double>(beta[i]));
      return;
    }
    const auto hi = simd::broadcast(line.hi), s = simd::broadcast(line.s), t = simd::broadcast(line.t);
    for (; i + n <= end; i += n) {
      __builtin_prefetch(x + i + 1024);
      const auto xhat = simd::multiply_add(simd::load(x + i) - hi, s, t);
      simd::store(y + i, simd::multiply_add(xhat, simd::load(gamma + i), simd::load(beta + i)));
    }
    for (; i < end; ++i)
      y[i] = simd::multiply_add(simd::multiply_add(x[i] - line.hi, line.s, line.t), gamma[i], beta[i]);
  }

  Forward<T> f_;
  Turn turn_;
  Repeated<T> gamma_, beta_;
};

/// Sums of dy * xhat and dy for each element of a turn. Large arrays all begin at the same place of a page;
/// these must not, or the cache would take their stores for those of x and dy (twice as fast at 50,000
/// elements).
class ParameterSums {
 public:
  explicit ParameterSums(Index size)
      : room_(ceil_div(size, page) * page + page + size),
        gamma(room_.data() + page / 4),
        beta(room_.data() + ceil_div(size, page) * page + page / 2) {
    std::fill_n(gamma, size, 0.0);
    std::fill_n(beta, size, 0.0);
  }

 private:
  static constexpr Index page = 512;
  Room<double> room_;

 public:
  double *gamma, *beta;
};

template <class T>
class RowsBackward {
 public:
  explicit RowsBackward(const Backward<T>& b)
      : b_(b),
        turn_(b.how),
        rounds_(b.how.moments.total() / turn_.turns),
        gamma_(b.gamma, b.how.affine, turn_) {}

  void operator()() {
    const bool is_long = turn_.row >= long_row;
    const auto pieces = is_long ? 1 : std::clamp<Index>(rounds_ / 16, 1, 16);
    const auto rounds_of_piece = ceil_div(rounds_, pieces);
    std::vector<ParameterSums> sums;
    for (Index piece = 0; piece < pieces; ++piece) sums.emplace_back(b_.dgamma ? turn_.size : 0);
    for_range(!is_long, pieces, 1, [&](Index piece) {
      const auto end = std::min(rounds_, (piece + 1) * rounds_of_piece);
      for (Index turn = 0; turn < turn_.turns; ++turn)
        for (auto round = piece * rounds_of_piece; round < end;) {
          const auto row = round * turn_.turns + turn;
          auto& into = sums[static_cast<std::size_t>(piece)];
          if (end - round >= 4) {
            some_rows<4>(row, is_long, into);
            round += 4;
          } else {
            some_rows<1>(row, is_long, into);
            round += 1;
          }
        }
    });
    if (b_.dgamma) add_up_parameters(sums);
  }

 private:
  static constexpr Index lanes = simd::lanes<double>;

  /// `count` rows with the same scales. What is rounded is spelled out in sums: a row has the same bits
  /// whichever rows it comes with.
  template <Index count>
  void some_rows(Index first, bool share, ParameterSums& into) {
    // Whole vectors, cut by the length of a row alone.
    const auto pieces = share ? std::min<Index>(16, turn_.row / 4096) : 1;
    const auto piece = ceil_div(ceil_div(turn_.row, pieces), 64) * 64;
    TwoSums parts[16][count], totals[count];
    if (b_.how.moments_of_input && b_.dx) {
      for_range(share, pieces, 1, [&](Index p) {
        sum_rows<count>(first, p * piece, std::min(turn_.row, (p + 1) * piece), parts[p]);
      });
      for (Index p = 0; p < pieces; ++p)
        for (Index r = 0; r < count; ++r) totals[r] += parts[p][r];
    }
    for_range(share, pieces, 1, [&](Index p) {
      apply_rows<count>(first, p * piece, std::min(turn_.row, (p + 1) * piece), totals, into);
    });
  }
  Index offset(Index first, Index r) const { return (first + r * turn_.turns) * turn_.row; }

  template <Index count>
  void sum_rows(Index first, Index i, Index end, TwoSums* out) const {
    const T *const gamma = gamma_.of_row(first, turn_), *const dy = b_.grad, *const x = b_.x;
    simd::Doubles a[count]{}, b[count]{}, mean[count];
    for (Index r = 0; r < count; ++r) mean[r] = simd::broadcast(b_.mean[first + r * turn_.turns]);
    for (; i + lanes <= end; i += lanes) {
      const auto w = simd::load_doubles(gamma + i);
      for (Index r = 0; r < count; ++r) {
        const auto at = offset(first, r) + i;
        const auto g = simd::load_doubles(dy + at);
        a[r] = simd::multiply_add(g, w, a[r]);
        b[r] = simd::multiply_add(g * w, simd::load_doubles(x + at) - mean[r], b[r]);
      }
    }
    for (Index r = 0; r < count; ++r) {
      out[r] = {simd::sum(a[r]), simd::sum(b[r])};
      for (auto j = i; j < end; ++j) {
        const auto at = offset(first, r) + j;
        const auto g = static_cast<double>(dy[at]), w = static_cast<double>(gamma[j]);
        out[r].first = simd::multiply_add(g, w, out[r].first);
        out[r].second = simd::multiply_add(g * w, static_cast<double>(x[at]) - mean[r][0], out[r].second);
      }
    }
  }

  template <Index count>
  void apply_rows(Index first, Index begin, Index end, const TwoSums* totals, ParameterSums& into) const {
    Slope<T> slopes[count];
    double mean[count], invstd[count];
    for (Index r = 0; r < count; ++r) {
      const auto row = first + r * turn_.turns;
      mean[r] = b_.mean[row];
      invstd[r] = inverse_std(b_.var[row], b_.how.eps);
      slopes[r] = Slope<T>(mean[r], invstd[r], 1, totals[r], b_.count());
    }
    if (b_.dgamma) sum_parameters<count>(first, begin, end, mean, invstd, into);
    if (!b_.dx) return;
    const T* const gamma = gamma_.of_row(first, turn_);
    for (Index r = 0; r < count; ++r) {
      const auto at = offset(first, r);
      const T *const dy = b_.grad + at, *const x = b_.x + at;
      T* const dx = b_.dx + at;
      const Slope<T>& slope = slopes[r];
      Index i = begin;
      if (slope.extreme)
        for (; i < end; ++i)
          dx[i] = static_cast<T>(slope_at(static_cast<double>(dy[i]), static_cast<double>(x[i]), mean[r],
                                          invstd[r], static_cast<double>(gamma[i]), totals[r], b_.count()));
      constexpr auto n = simd::lanes<T>;
      const auto hi = simd::broadcast(slope.hi), a = simd::broadcast(slope.a), b = simd::broadcast(slope.b),
                 c = simd::broadcast(slope.c);
      for (; i + n <= end; i += n)
        simd::store(dx + i,
                    simd::load(dy + i) * simd::load(gamma + i) * a + ((simd::load(x + i) - hi) * b + c));
      for (; i < end; ++i)
        dx[i] = simd::multiply_add(dy[i] * gamma[i], slope.a,
                                   simd::multiply_add(x[i] - slope.hi, slope.b, slope.c));
    }
  }
  template <Index count>
  void sum_parameters(Index first, Index i, Index end, const double* mean, const double* invstd,
                      ParameterSums& into) const {
    const auto turn = first % turn_.turns * turn_.row;
    double *const dgamma = into.gamma + turn, *const dbeta = into.beta + turn;
    for (; i + lanes <= end; i += lanes) {
      auto a = simd::load(dgamma + i), b = simd::load(dbeta + i);
      for (Index r = 0; r < count; ++r) {
        const auto at = offset(first, r) + i;
        const auto dy = simd::load_doubles(b_.grad + at);
        a = simd::multiply_add(dy, (simd::load_doubles(b_.x + at) - mean[r]) * invstd[r], a);
        b += dy;
      }
      simd::store(dgamma + i, a);
      simd::store(dbeta + i, b);
    }
    for (; i < end; ++i)
      for (Index r = 0; r < count; ++r) {
        const auto at = offset(first, r) + i;
        const auto dy = static_cast<double>(b_.grad[at]);
        dgamma[i] += dy * ((static_cast<double>(b_.x[at]) - mean[r]) * invstd[r]);
        dbeta[i] += dy;
      }
  }
  /// Over the pieces in order, and over the elements that share a scale.
  void add_up_parameters(const std::vector<ParameterSums>& sums) const {
    const auto& affine = b_.how.affine;
    const auto period = affine.count * affine.inner;
    for (Index c = 0; c < affine.count; ++c) {
      double gamma = 0, beta = 0;
      for (const auto& piece : sums)
        for (auto start = c * affine.inner; start < turn_.size; start += period)
          for (auto i = start; i < start + affine.inner; ++i) {
            gamma += piece.gamma[i];
            beta += piece.beta[i];
          }
      b_.dgamma[c] = static_cast<T>(gamma);
      b_.dbeta[c] = static_cast<T>(beta);
    }
  }

  Backward<T> b_;
  Turn turn_;
  Index rounds_;
  Repeated<T> gamma_;
};

}  // namespace

template <class T>
void normalize_rows(const Forward<T>& f) {
  RowsForward<T>{f}();
}
template <class T>
void normalize_rows_backward(const Backward<T>& b) {
  RowsBackward<T>{b}();
}

template void normalize_rows(const Forward<float>&);
template void normalize_rows(const Forward<double>&);
template void normalize_rows_backward(const Backward<float>&);
template void normalize_rows_backward(const Backward<double>&);

}  // namespace evenkeel::kernels
