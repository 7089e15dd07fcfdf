#pragma once
/// Activations made of exponentials, and their derivatives times a gradient: one pass in vectors of doubles,
/// whatever the dtype. Results have the memory order of the last argument.

#include <evenkeel/core/array.h>

namespace evenkeel::kernels {

Array sigmoid(const Array& x);
Array sigmoid_backward(const Array& grad, const Array& y);
Array tanh(const Array& x);
Array tanh_backward(const Array& grad, const Array& y);
Array silu(const Array& x);
Array silu_backward(const Array& grad, const Array& x);
/// x times the standard normal distribution at x.
Array gelu(const Array& x);
Array gelu_backward(const Array& grad, const Array& x);
/// gelu by its approximation with a tanh.
Array gelu_tanh(const Array& x);
Array gelu_tanh_backward(const Array& grad, const Array& x);
/// log(1 + e^(beta x)) / beta, or x where beta x > threshold.
Array softplus(const Array& x, double beta, double threshold);
Array softplus_backward(const Array& grad, const Array& x, double beta, double threshold);

}  // namespace evenkeel::kernels
