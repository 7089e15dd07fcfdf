#pragma once
/// Comparisons of tensors of one dtype, broadcast, and of tensors with numbers: uint8 tensors of 0 and 1,
/// without gradient. Every comparison with NaN is false, but `!=` is true.

#include <evenkeel/autograd/tensor.h>

namespace evenkeel {

Tensor operator==(const Tensor& a, const Tensor& b);
Tensor operator!=(const Tensor& a, const Tensor& b);
Tensor operator<(const Tensor& a, const Tensor& b);
Tensor operator<=(const Tensor& a, const Tensor& b);
Tensor operator>(const Tensor& a, const Tensor& b);
Tensor operator>=(const Tensor& a, const Tensor& b);

Tensor operator==(const Tensor& x, double number);
Tensor operator!=(const Tensor& x, double number);
Tensor operator<(const Tensor& x, double number);
Tensor operator<=(const Tensor& x, double number);
Tensor operator>(const Tensor& x, double number);
Tensor operator>=(const Tensor& x, double number);

}  // namespace evenkeel
