#pragma once

#include <evenkeel/autograd/tensor.h>

#include <cstdint>

namespace evenkeel {

/// e^x / sum e^x along an axis (-1 is the last), float32 or float64. Sums are kept in double and shifted by
/// the largest element, so large elements do no harm. NaN or an infinity makes its whole line NaN; -infinity
/// counts as 0, unless the line has nothing else.
Tensor softmax(const Tensor& x, std::int64_t axis);
/// x - log(sum e^x) along an axis: the logarithm of softmax, exact where that rounds to 0 or 1.
Tensor log_softmax(const Tensor& x, std::int64_t axis);

}  // namespace evenkeel
