#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/metrics.h>

#include <functional>
#include <numeric>

namespace evenkeel {

double accuracy(const Tensor& scores, const Tensor& targets) {
  const Shape& shape = scores.shape();
  check(shape.rank() >= 2 && shape.without(1) == targets.shape() && targets.dtype() == DType::int64,
        "accuracy: scores ", scores.dtype(), ' ', shape, " do not fit targets ", targets.dtype(), ' ',
        targets.shape(), "; expected [N, C, ...] and int64 [N, ...]");
  check(targets.size() > 0, "accuracy: expected at least one target, got shape ", targets.shape());
  const Tensor predicted = argmax(scores, 1);
  const auto guess = predicted.value().data<std::int64_t>(), truth = targets.value().data<std::int64_t>();
  const auto right = std::transform_reduce(guess.begin(), guess.end(), truth.begin(), std::int64_t{0},
                                           std::plus<>(), std::equal_to<>());
  return static_cast<double>(right) / static_cast<double>(targets.size());
}

}  // namespace evenkeel
