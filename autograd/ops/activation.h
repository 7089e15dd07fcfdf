#pragma once
/// Activations: functions of every element of float32 and float64 tensors (others: ArgumentError), as
/// PyTorch's. The result is stored as the input is.

#include <evenkeel/autograd/tensor.h>

#include <cstdint>

namespace evenkeel {

/// max(x, 0); NaN stays. Its derivative at 0 is 0. Keeps its output for the backward, not its input.
Tensor relu(const Tensor& x);
/// The same of a tensor that ends here: where nobody else sees its values, the result takes their place.
Tensor relu(Tensor&& x);

struct LeakyReluOptions {
  double negative_slope = 0.01;
};
/// x where it is positive, else negative_slope * x; the derivative at 0 is negative_slope.
Tensor leaky_relu(const Tensor& x, const LeakyReluOptions& options = {});

enum class Gelu : std::uint8_t { none, tanh };
struct GeluOptions {
  Gelu approximate = Gelu::none;
};
/// x * Phi(x) with the standard normal distribution Phi, or its approximation
/// x * (1 + tanh(sqrt(2 / pi) * (x + 0.044715 x^3))) / 2 (Hendrycks and Gimpel 2016).
Tensor gelu(const Tensor& x, const GeluOptions& options = {});

/// x * sigmoid(x), also called swish.
Tensor silu(const Tensor& x);
/// 1 / (1 + e^-x).
Tensor sigmoid(const Tensor& x);
Tensor tanh(const Tensor& x);

struct SoftplusOptions {
  double beta = 1;
  double threshold = 20;  ///< where beta * x is larger, the result is x itself
};
/// log(1 + e^(beta x)) / beta.
Tensor softplus(const Tensor& x, const SoftplusOptions& options = {});

}  // namespace evenkeel
