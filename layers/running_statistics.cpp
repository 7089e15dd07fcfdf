#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/layers/running_statistics.h>

#include <cmath>
#include <ostream>

namespace evenkeel {

Momentum Momentum::torch(double of_new) {
  check(std::isfinite(of_new), "Momentum::torch: expected a finite weight of the new batch, got ", of_new);
  return {of_new, 1 - of_new, false};
}

Momentum Momentum::mindspore(double of_old) {
  check(of_old >= 0 && of_old <= 1,
        "Momentum::mindspore: the weight of the old value must be a number in range [0, 1], got ", of_old);
  return {1 - of_old, of_old, false};
}

double Momentum::of_new(std::int64_t batches) const {
  return is_cumulative_ ? 1 / static_cast<double>(batches) : of_new_;
}
double Momentum::of_old(std::int64_t batches) const { return is_cumulative_ ? 1 - of_new(batches) : of_old_; }

std::ostream& operator<<(std::ostream& os, Momentum momentum) {
  if (momentum.is_cumulative()) return os << "cumulative";
  return os << momentum.of_new_;
}

Moments RunningStatistics::moments() const {
  const auto copy = [](const Array& a) {
    return a.dtype() == DType::float64 ? a.clone() : kernels::cast(a, DType::float64);
  };
  return {copy(mean), copy(var), 0};
}

void RunningStatistics::blend(const Moments& batch, Momentum momentum) {
  const double of_new = momentum.of_new(count()), of_old = momentum.of_old(count());
  const auto move = [&](Array& own, const Array& other) {
    const auto values = other.data<double>();
    dispatch_floating(own.dtype(), [&]<class T>() {
      const auto to = own.mutable_data<T>();
      for (std::size_t c = 0; c < to.size(); ++c)
        to[c] = static_cast<T>(of_old * static_cast<double>(to[c]) + of_new * values[c]);
    });
  };
  move(mean, batch.mean);
  move(var, batch.var);
}

Moments taken_in(const Moments& batch, RunningVariance kind) {
  if (kind == RunningVariance::biased || batch.count < 2) return batch;
  const double bessel = static_cast<double>(batch.count) / static_cast<double>(batch.count - 1);
  Moments unbiased{batch.mean, batch.var.clone(), batch.count};
  for (double& var : unbiased.var.mutable_data<double>()) var *= bessel;
  return unbiased;
}

}  // namespace evenkeel
