#pragma once
/// Activations: functions of every element of float32 and float64 tensors (others: ArgumentError), as
/// PyTorch's. The result is stored as the input is.

#include <evenkeel/autograd/tensor.h>

namespace evenkeel {

/// max(x, 0); NaN stays. Its derivative at 0 is 0. Keeps its output for the backward, not its input.
Tensor relu(const Tensor& x);

struct LeakyReluOptions {
  double negative_slope = 0.01;
};
/// x where it is positive, else negative_slope * x; the derivative at 0 is negative_slope.
Tensor leaky_relu(const Tensor& x, const LeakyReluOptions& options = {});

}  // namespace evenkeel
