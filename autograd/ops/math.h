#pragma once
/// Functions of every element of float32 and float64 tensors; others are refused (ArgumentError).

#include <evenkeel/autograd/tensor.h>

#include <optional>

namespace evenkeel {

Tensor exp(const Tensor& x);
Tensor log(const Tensor& x);
Tensor sqrt(const Tensor& x);
/// |x|; its derivative at 0 is 0.
Tensor abs(const Tensor& x);

struct ClampOptions {
  std::optional<double> min = {}, max = {};
};
/// x held between min and max (either may be absent, not both); NaN stays. The derivative is 1 inside and at
/// the ends. Where min > max every element becomes max, as in PyTorch.
Tensor clamp(const Tensor& x, const ClampOptions& options);

}  // namespace evenkeel
