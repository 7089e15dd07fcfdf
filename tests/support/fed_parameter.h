#pragma once
/// Parameters with chosen gradients, for tests of what optimizers make of them.

#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/parameter.h>

#include <vector>

namespace evenkeel::testing {

inline Parameter parameter(const std::vector<double>& values) {
  return Parameter(Array::from(values, {static_cast<std::int64_t>(values.size())}));
}

/// Gives a parameter this gradient.
inline void feed(const Parameter& parameter, const Array& grad) {
  parameter.zero_grad();
  (parameter * 1.0).backward(Tensor(grad));
}
inline void feed(const Parameter& parameter, const std::vector<double>& grad) {
  feed(parameter, Array::from(grad, parameter.shape(), parameter.dtype()));
}

}  // namespace evenkeel::testing
