#include <evenkeel/core/kernels/cross_entropy.h>
#include <evenkeel/core/kernels/softmax_parts.h>

#include <algorithm>
#include <cmath>
#include <numeric>
#include <vector>

namespace evenkeel::kernels {
namespace {

/// The targets, ready for loops: q_c = weight_c * (kept * p_c + spread), or for a class t
/// q_c = spread * weight_c, and kept * weight_t more at t.
template <class T>
struct Targets {
  Targets(const ClassTargets& given, std::int64_t count)
      : classes(count),
        weights(static_cast<std::size_t>(count), 1.0),
        kept(1 - given.label_smoothing),
        spread(given.label_smoothing / static_cast<double>(count)),
        ignore_index(given.ignore_index) {
    if (given.target.dtype() == DType::int64)
      targets = given.target.data<std::int64_t>().data();
    else
      probabilities = given.target.data<T>().data();
    if (given.weight.defined()) std::ranges::copy(given.weight.data<T>(), weights.begin());
    all_weights = std::accumulate(weights.begin(), weights.end(), 0.0);
  }
  double weight(std::int64_t c) const { return weights[static_cast<std::size_t>(c)]; }

  std::int64_t classes;
  std::vector<double> weights;
  double kept, spread, all_weights = 0;
  std::int64_t ignore_index;
  const std::int64_t* targets = nullptr;  // one of the two
  const T* probabilities = nullptr;
};

/// q of one row, vector by vector; past its end 0.
template <class T>
struct Shares {
  Shares(const Targets<T>& t, std::int64_t row)
      : weights(t.weights.data()),
        probabilities(t.probabilities ? t.probabilities + row * t.classes : nullptr),
        kept(simd::broadcast(t.kept)),
        spread(simd::broadcast(t.spread)) {}
  [[gnu::always_inline]] inline Doubles operator()(Stretch at) const {
    const Doubles weight = at.load(weights);
    return probabilities ? weight * (kept * at.load(probabilities) + spread) : weight * spread;
  }

  const double* weights;
  const T* probabilities;
  Doubles kept, spread;
};

/// log p = x - largest - log_sum. The two are not added up: the difference of near scores is exact.
struct LogSum {
  template <class Value>
  Value log_probability(Value x) const {
    return x - largest - log_sum;
  }
  double largest = 0, log_sum = 0;
};

template <class T>
LogSum log_sum_of(const T* x, std::int64_t classes) {
  const double largest = largest_of(x, classes);
  return {largest, std::log(sum_of_exponentials(x, classes, largest, [](Stretch, Doubles) {}))};
}

template <class T>
double loss_of_row(const Targets<T>& t, std::int64_t row, const T* x, const LogSum& sum) {
  double loss = 0;
  if (t.targets) {
    const auto target = t.targets[row];
    if (target == t.ignore_index) return 0;
    loss = -(t.kept * t.weight(target) * sum.log_probability(static_cast<double>(x[target])));
    if (t.spread == 0) return loss;  // where 0 * infinity would be NaN
  }
  const Shares<T> shares(t, row);
  Doubles total{};
  for_each_stretch(t.classes, [&](Stretch at) { total += shares(at) * sum.log_probability(at.load(x)); });
  return loss - simd::sum_of_lanes(total);
}

/// dx of one row: factor * (Q p - q).
template <bool scores_are_logs, class T>
void backward_of_row(const Targets<T>& t, std::int64_t row, double factor, const T* x, const LogSum& sum,
                     T* dx) {
  const Shares<T> shares(t, row);
  const bool is_ignored = t.targets && t.targets[row] == t.ignore_index;
  if (is_ignored) factor = 0;
  double total = t.spread * t.all_weights;
  if (t.targets && !is_ignored) total += t.kept * t.weight(t.targets[row]);
  if (t.probabilities && !scores_are_logs) {
    Doubles all{};
    for_each_stretch(t.classes, [&](Stretch at) { all += shares(at); });
    total = simd::sum_of_lanes(all);
  }
  const Doubles by = simd::broadcast(factor), scaled = simd::broadcast(factor * total);
  const auto write = [&](auto share_at) {
    for_each_stretch(t.classes, [&](Stretch at) {
      const Doubles own = share_at(at);
      at.store(dx, scores_are_logs ? Doubles{} - own
                                   : scaled * simd::exp<T>(sum.log_probability(at.load(x))) - own);
    });
  };
  if (t.targets && t.spread == 0)
    write([](Stretch) { return Doubles{}; });
  else
    write([&](Stretch at) { return by * shares(at); });
  if (!t.targets || is_ignored) return;
  const auto target = t.targets[row];
  const double share = (t.kept + t.spread) * t.weight(target);
  const double probability =
      scores_are_logs ? 0 : std::exp(sum.log_probability(static_cast<double>(x[target])));
  dx[target] = static_cast<T>(factor * (total * probability - share));
}

}  // namespace

ClassLosses cross_entropy(const Array& scores, const ClassTargets& given) {
  const auto rows = scores.shape()[0], classes = scores.shape()[1];
  ClassLosses out{Array::uninitialized({rows}, DType::float64),
                  Array::uninitialized({rows, 2}, DType::float64)};
  double* const losses = out.losses.mutable_data<double>().data();
  double* const sums = out.log_sums.mutable_data<double>().data();
  dispatch_floating(scores.dtype(), [&]<class T>() {
    const Targets<T> targets(given, classes);
    const T* const x = scores.data<T>().data();
    for_each_row(rows, classes, [&](std::int64_t row) {
      const T* const from = x + row * classes;
      const LogSum sum = given.scores_are_logs ? LogSum{} : log_sum_of(from, classes);
      sums[2 * row] = sum.largest;
      sums[2 * row + 1] = sum.log_sum;
      losses[row] = loss_of_row(targets, row, from, sum);
    });
  });
  return out;
}

Array cross_entropy_backward(const Array& grad, double scale, const Array& scores, const Array& log_sums,
                             const ClassTargets& given) {
  const auto rows = scores.shape()[0], classes = scores.shape()[1];
  Array out = Array::uninitialized(scores.shape(), scores.dtype());
  const double* const sums = log_sums.data<double>().data();
  dispatch_floating(scores.dtype(), [&]<class T>() {
    const Targets<T> targets(given, classes);
    const T *const x = scores.data<T>().data(), *const dy = grad.data<T>().data();
    T* const dx = out.mutable_data<T>().data();
    const std::int64_t step = grad.size() == 1 ? 0 : 1;
    for_each_row(rows, classes, [&](std::int64_t row) {
      const double factor = scale * static_cast<double>(dy[row * step]);
      const LogSum sum{sums[2 * row], sums[2 * row + 1]};
      const auto at = row * classes;
      if (given.scores_are_logs)
        backward_of_row<true>(targets, row, factor, x + at, sum, dx + at);
      else
        backward_of_row<false>(targets, row, factor, x + at, sum, dx + at);
    });
  });
  return out;
}

Array class_shares(const Shape& scores, DType dtype, const ClassTargets& given) {
  Array out(scores, dtype);
  const auto rows = scores[0], classes = scores[1];
  dispatch_floating(dtype, [&]<class T>() {
    const Targets<T> targets(given, classes);
    T* const to = out.mutable_data<T>().data();
    for_each_row(rows, classes, [&](std::int64_t row) {
      const auto target = targets.targets[row];
      if (target == targets.ignore_index) return;
      for (std::int64_t c = 0; c < classes; ++c)
        to[row * classes + c] =
            static_cast<T>(targets.weight(c) * (targets.spread + (c == target ? targets.kept : 0)));
    });
  });
  return out;
}

}  // namespace evenkeel::kernels
