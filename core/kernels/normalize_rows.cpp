// Contiguous groups, the rows, with a scale for each element: layer norm; group norm of (N, C); instance and
// group norm of small images, whose scales are repeated to one an element. The scales repeat after `turns`
// rows. Backwards, four rows at a time share each visit to the scales and to the sums of their gradients.
// Where a few rows fill the caches, all are summed first and then applied piece by piece, since the scales
// and sums of a piece stay in the L1.

#include <evenkeel/core/kernels/strips.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {
namespace {

constexpr Index long_row = 32768, piece_of_long_row = 2048;

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
    const auto rows = f_.how.moments.total();
    const bool is_long = turn_.row >= 2 * long_row;  // two parameters come with a row of x
    for_each_group(rows, turn_.row, [&](Index row, bool share) {
      if (f_.find_moments) find_spreads(f_.x, strips, row, row + 1, share, f_.mean, f_.var);
      if (!is_long) apply(row, 0, turn_.row);
    });
    if (is_long)
      parallel_for(turn_.row, piece_of_long_row, [&](Index begin, Index end) {
        for (Index row = 0; row < rows; ++row) apply(row, begin, end);
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
    if (end - i >= n)
      return write_run({f_.is_past_caches()}, y + i, end - i, [=](Index j) {
        const auto at = i + j;
        __builtin_prefetch(x + at + 1024, 0, 2);
        const auto xhat = simd::multiply_add(simd::load(x + at) - hi, s, t);
        return simd::multiply_add(xhat, simd::load(gamma + at), simd::load(beta + at));
      });
    for (; i < end; ++i)
      y[i] = simd::multiply_add(simd::multiply_add(x[i] - line.hi, line.s, line.t), gamma[i], beta[i]);
  }

  Forward<T> f_;
  Turn turn_;
  Repeated<T> gamma_, beta_;
};

/// Sums of dy * xhat and dy for each element of a turn, begun by the first rows. Large arrays all begin at
/// the same place of a page; these must not, or the cache would take their stores for those of x and dy
/// (twice as fast at 50,000 elements).
class ParameterSums {
 public:
  explicit ParameterSums(Index size)
      : room_(ceil_div(size, page) * page + page + size),
        gamma(room_.data() + page / 4),
        beta(room_.data() + ceil_div(size, page) * page + page / 2) {}

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
        totals_(static_cast<std::size_t>(b.how.moments.total())),
        gamma_(b.gamma, b.how.affine, turn_) {}

  void operator()() {
    if (turn_.row >= long_row)
      long_rows();
    else
      short_rows();
  }

 private:
  static constexpr Index lanes = simd::lanes<double>;

  void short_rows() {
    const auto pieces = std::clamp<Index>(rounds_ / 16, 1, 16), rounds_of_piece = ceil_div(rounds_, pieces);
    std::vector<ParameterSums> sums;
    for (Index piece = 0; piece < pieces; ++piece) sums.emplace_back(b_.dgamma ? turn_.size : 0);
    parallel_for(pieces, 1, [&](Index piece, Index) {
      for_some_rows(piece * rounds_of_piece, std::min(rounds_, (piece + 1) * rounds_of_piece),
                    [&]<Index count>(Index first, std::integral_constant<Index, count>, bool begins) {
                      TwoSums of_row[count];
                      if (b_.dgamma)
                        sum<count, true, true>(first, 0, turn_.row, of_row,
                                               &sums[static_cast<std::size_t>(piece)], begins);
                      else
                        sum<count, true, false>(first, 0, turn_.row, of_row);
                      for (Index r = 0; r < count; ++r) total(first, r) = of_row[r];
                      if (b_.dx) apply_rows<count>(first, 0, turn_.row);
                    });
    });
    if (b_.dgamma) add_up_parameters(sums);
  }
  void long_rows() {
    if (b_.dx)
      for_some_rows(0, rounds_, [&]<Index count>(Index first, std::integral_constant<Index, count>, bool) {
        sum_long_rows<count>(first);
      });
    std::vector<ParameterSums> sums;
    sums.emplace_back(b_.dgamma ? turn_.size : 0);
    parallel_for(turn_.row, piece_of_long_row, [&](Index begin, Index end) {
      for_some_rows(0, rounds_,
                    [&]<Index count>(Index first, std::integral_constant<Index, count>, bool begins) {
                      if (b_.dgamma)
                        sum<count, false, true>(first, begin, end, nullptr, &sums.front(), begins);
                      if (b_.dx) apply_rows<count>(first, begin, end);
                    });
    });
    if (b_.dgamma) add_up_parameters(sums);
  }

  /// body(first row, count, whether no others with the same scales came before) for the rows of the rounds
  /// [begin, end), up to four with the same scales at a time. What is rounded is spelled out in sums: a row
  /// has the same bits whichever rows it comes with.
  template <class Body>
  void for_some_rows(Index begin, Index end, Body body) const {
    for (Index turn = 0; turn < turn_.turns; ++turn)
      for (auto round = begin; round < end;) {
        const auto row = round * turn_.turns + turn;
        if (end - round >= 4) {
          body(row, std::integral_constant<Index, 4>(), round == begin);
          round += 4;
        } else {
          body(row, std::integral_constant<Index, 1>(), round == begin);
          round += 1;
        }
      }
  }
  Index offset(Index first, Index r) const { return (first + r * turn_.turns) * turn_.row; }

  TwoSums& total(Index first, Index r) { return totals_[static_cast<std::size_t>(first + r * turn_.turns)]; }
  template <Index count>
  void sum_long_rows(Index first) {
    // Whole vectors, cut by the length of a row alone.
    const auto pieces = std::min<Index>(16, turn_.row / 4096),
               piece = ceil_div(ceil_div(turn_.row, pieces), 64) * 64;
    TwoSums parts[16][count];
    parallel_for(turn_.row, piece, [&](Index begin, Index end) {
      sum<count, true, false>(first, begin, end, parts[begin / piece]);
    });
    for (Index p = 0; p < ceil_div(turn_.row, piece); ++p)
      for (Index r = 0; r < count; ++r) total(first, r) += parts[p][r];
  }
  /// Over the elements [i, end) of some rows: the sums of each row, of h = gamma * dy and h * (x - mean), and
  /// those of each element over the rows, of dy * xhat and dy, added to others unless these begin them.
  template <Index count, bool of_rows, bool of_elements>
  void sum(Index first, Index i, Index end, TwoSums* rows, ParameterSums* elements = nullptr,
           bool begins = false) const {
    const T* const gamma = gamma_.of_row(first, turn_);
    const auto turn = first % turn_.turns * turn_.row;
    double *dgamma = nullptr, *dbeta = nullptr;
    if constexpr (of_elements) {
      dgamma = elements->gamma + turn;
      dbeta = elements->beta + turn;
    }
    const T *dy[count], *x[count];
    double mean[count], invstd[count];
    for (Index r = 0; r < count; ++r) {
      const auto row = first + r * turn_.turns;
      dy[r] = b_.grad + offset(first, r);
      x[r] = b_.x + offset(first, r);
      mean[r] = b_.mean[row];
      invstd[r] = inverse_std(b_.var[row], b_.how.eps);
    }
    simd::Doubles a[count]{}, b[count]{};
    for (; i + lanes <= end; i += lanes) {
      const auto w = simd::load_doubles(gamma + i);
      simd::Doubles c{}, d{};
      if (of_elements && !begins) {
        c = simd::load(dgamma + i);
        d = simd::load(dbeta + i);
      }
#pragma GCC unroll 4
      for (Index r = 0; r < count; ++r) {
        const auto g = simd::load_doubles(dy[r] + i);
        const auto moment = g * (simd::load_doubles(x[r] + i) - mean[r]);
        if constexpr (of_rows) {
          a[r] = simd::multiply_add(g, w, a[r]);
          b[r] = simd::multiply_add(moment, w, b[r]);
        }
        if constexpr (of_elements) {
          c = simd::multiply_add(moment, simd::broadcast(invstd[r]), c);
          d += g;
        }
      }
      if constexpr (of_elements) {
        simd::store(dgamma + i, c);
        simd::store(dbeta + i, d);
      }
    }
    if (of_elements && begins)
      for (auto j = i; j < end; ++j) dgamma[j] = dbeta[j] = 0;
    for (Index r = 0; r < count; ++r) {
      TwoSums of_row{simd::sum_of_lanes(a[r]), simd::sum_of_lanes(b[r])};
      for (auto j = i; j < end; ++j) {
        const auto g = static_cast<double>(dy[r][j]), w = static_cast<double>(gamma[j]);
        const auto moment = g * (static_cast<double>(x[r][j]) - mean[r]);
        if constexpr (of_rows) {
          of_row.first = simd::multiply_add(g, w, of_row.first);
          of_row.second = simd::multiply_add(moment, w, of_row.second);
        }
        if constexpr (of_elements) {
          dgamma[j] = simd::multiply_add(moment, invstd[r], dgamma[j]);
          dbeta[j] += g;
        }
      }
      if constexpr (of_rows) rows[r] = of_row;
    }
  }

  template <Index count>
  void apply_rows(Index first, Index begin, Index end) {
    Slope<T> slopes[count];
    double mean[count], invstd[count];
    for (Index r = 0; r < count; ++r) {
      const auto row = first + r * turn_.turns;
      mean[r] = b_.mean[row];
      invstd[r] = inverse_std(b_.var[row], b_.how.eps);
      slopes[r] = Slope<T>(mean[r], invstd[r], 1, total(first, r), b_.count());
    }
    const T* const gamma = gamma_.of_row(first, turn_);
    for (Index r = 0; r < count; ++r) {
      const auto at = offset(first, r);
      const T *const dy = b_.grad + at, *const x = b_.x + at;
      T* const dx = b_.dx + at;
      const Slope<T>& slope = slopes[r];
      if (slope.extreme) {
        for (auto i = begin; i < end; ++i)
          dx[i] =
              static_cast<T>(slope_at(static_cast<double>(dy[i]), static_cast<double>(x[i]), mean[r],
                                      invstd[r], static_cast<double>(gamma[i]), total(first, r), b_.count()));
        continue;
      }
      const auto hi = simd::broadcast(slope.hi), a = simd::broadcast(slope.a), b = simd::broadcast(slope.b),
                 c = simd::broadcast(slope.c);
      if (end - begin >= simd::lanes<T>)
        write_run({b_.is_past_caches()}, dx + begin, end - begin, [=](Index j) {
          const auto i = begin + j;
          return simd::multiply_add(simd::load(dy + i) * simd::load(gamma + i), a,
                                    simd::multiply_add(simd::load(x + i) - hi, b, c));
        });
      else
        for (auto i = begin; i < end; ++i)
          dx[i] = simd::multiply_add(dy[i] * gamma[i], slope.a,
                                     simd::multiply_add(x[i] - slope.hi, slope.b, slope.c));
    }
  }
  /// Over the pieces in order, then over the elements that share a scale.
  void add_up_parameters(std::vector<ParameterSums>& sums) {
    ParameterSums& all = sums.front();
    parallel_for(turn_.size, elements_per_task, [&](Index begin, Index end) {
      for (auto piece = sums.begin() + 1; piece != sums.end(); ++piece)
        for (auto i = begin; i < end; ++i) {
          all.gamma[i] += piece->gamma[i];
          all.beta[i] += piece->beta[i];
        }
    });
    const auto& affine = b_.how.affine;
    const auto period = affine.count * affine.inner;
    parallel_for(affine.count, at_least_one(elements_per_task / (turn_.size / affine.count)),
                 [&](Index c, Index end) {
                   for (; c < end; ++c) {
                     double gamma = 0, beta = 0;
                     for (auto start = c * affine.inner; start < turn_.size; start += period)
                       for (auto i = start; i < start + affine.inner; ++i) {
                         gamma += all.gamma[i];
                         beta += all.beta[i];
                       }
                     b_.dgamma[c] = static_cast<T>(gamma);
                     b_.dbeta[c] = static_cast<T>(beta);
                   }
                 });
  }

  Backward<T> b_;
  Turn turn_;
  Index rounds_;
  std::vector<TwoSums> totals_;  // of the rows
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
