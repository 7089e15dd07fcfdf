#pragma once

#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/moments.h>
#include <evenkeel/core/window.h>

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

/// max_pool2d(normalize(x)) of images [N, C, H, W] and the moments of x, as one op. The result has the bits
/// of both in turn. For channels-last images, moments by channel and windows that cover the image and do not
/// overlap, what is normalized is never stored, and the sums of the gradients leave out the zeros between the
/// maxima: added up in another order, in double, they may round otherwise. Throws as both do.
Normalized normalize_max_pool2d(const Tensor& x, const Tensor& gamma, const Tensor& beta,
                                const Normalization& how, const Window& window);

}  // namespace evenkeel
