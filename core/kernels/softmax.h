#pragma once
/// Softmax of the rows of a matrix [rows, classes], row-major, float32 or float64. Every sum is kept in
/// double, shifted by the largest element; a row does not depend on the others.

#include <evenkeel/core/array.h>

namespace evenkeel::kernels {

/// e^x / sum e^x.
Array softmax(const Array& x);
/// Given its result y: y * (grad - sum(grad * y)).
Array softmax_backward(const Array& grad, const Array& y);
/// x - log sum e^x.
Array log_softmax(const Array& x);
/// Given its result y: grad - e^y * sum(grad).
Array log_softmax_backward(const Array& grad, const Array& y);

}  // namespace evenkeel::kernels
