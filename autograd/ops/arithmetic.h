#pragma once
/// Arithmetic on tensors of one dtype, broadcast as NumPy and PyTorch do (axes aligned at the end, 1
/// repeats), and on tensors with numbers, which take the tensor's dtype. Throw ArgumentError where shapes or
/// dtypes do not fit. Sums, differences and products take every dtype; the rest float32 and float64.

#include <evenkeel/autograd/tensor.h>

#include <optional>

namespace evenkeel {

Tensor operator+(const Tensor& a, const Tensor& b);
/// The same of a tensor that ends here: where nobody else sees its values, the sum takes their place.
Tensor operator+(Tensor&& a, const Tensor& b);
Tensor operator+(const Tensor& x, double number);
Tensor operator+(double number, const Tensor& x);
Tensor operator-(const Tensor& a, const Tensor& b);
Tensor operator-(const Tensor& x, double number);
Tensor operator-(double number, const Tensor& x);
Tensor operator-(const Tensor& x);
Tensor operator*(const Tensor& a, const Tensor& b);
Tensor operator*(const Tensor& x, double number);
Tensor operator*(double number, const Tensor& x);
/// Division of integers is refused: convert them with to(dtype) first.
Tensor operator/(const Tensor& a, const Tensor& b);
Tensor operator/(const Tensor& x, double number);
Tensor operator/(double number, const Tensor& x);

/// x^exponent. d/dx = exponent * x^(exponent - 1), 0 for exponent 0.
Tensor pow(const Tensor& x, double exponent);
/// x^exponent, broadcast. d/dexponent = x^exponent * log(x), 0 where x is 0 and the exponent is not negative.
Tensor pow(const Tensor& x, const Tensor& exponent);
/// The larger element, NaN where either is NaN; equal elements share the gradient, as in PyTorch.
Tensor maximum(const Tensor& a, const Tensor& b);
Tensor minimum(const Tensor& a, const Tensor& b);
/// a where the uint8 condition is not 0, else b; all three broadcast.
Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

/// The same values as another dtype. Floating numbers go to integers towards zero; gradients flow between
/// floating dtypes only.
Tensor to(const Tensor& x, DType dtype);

}  // namespace evenkeel
