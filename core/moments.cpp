#include <evenkeel/core/check.h>
#include <evenkeel/core/moments.h>

namespace evenkeel {

Moments merge(const Moments& a, const Moments& b) {
  if (a.count == 0 || b.count == 0) return a.count == 0 ? b : a;
  check(a.mean.shape() == b.mean.shape(), "merge: moments of ", a.mean.shape(), " do not fit moments of ",
        b.mean.shape());
  Moments both{a.mean.clone(), a.var.clone(), a.count + b.count};
  const auto mean = both.mean.mutable_data<double>(), var = both.var.mutable_data<double>();
  const auto other_mean = b.mean.data<double>(), other_var = b.var.data<double>();
  const double share = static_cast<double>(b.count) / static_cast<double>(both.count);
  for (std::size_t g = 0; g < mean.size(); ++g) {
    const double apart = other_mean[g] - mean[g];
    mean[g] += share * apart;  // exact where both are equal
    var[g] += share * (other_var[g] - var[g]) + share * (1 - share) * apart * apart;
  }
  return both;
}

}  // namespace evenkeel
