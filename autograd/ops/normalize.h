#pragma once

#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/moments.h>

namespace evenkeel {

/// y = (x - mean) / sqrt(var + eps) * gamma + beta by given moments, each shared as `how` says: batch,
/// instance, group and layer normalization are this one op, in training and in evaluation. gamma and beta
/// have how.affine.total() elements of x's dtype, in any shape; an undefined one counts as 1 or 0. x is taken
/// in how.order. Where how.moments_of_input the moments are those of x, and its gradient flows through them
/// as well. Statistics stay in double from reduction to application. Differentiable to any order. Throws
/// ArgumentError where sizes or dtypes do not fit.
Tensor normalize(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Moments& moments,
                 const Normalization& how);

/// Normalizes by the moments of x itself, and returns them for running statistics.
struct Normalized {
  Tensor output;
  Moments moments;
};
Normalized normalize(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Normalization& how);

}  // namespace evenkeel
