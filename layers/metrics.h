#pragma once

#include <evenkeel/autograd/tensor.h>

namespace evenkeel {

/// The share of the int64 targets [N, ...] at which the scores [N, C, ...] are largest; the first class wins
/// a tie. Throws ArgumentError where the shapes do not fit or there are no targets.
double accuracy(const Tensor& scores, const Tensor& targets);

}  // namespace evenkeel
