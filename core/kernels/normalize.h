#pragma once
/// Batch, instance, group and layer normalization are one kernel family over partitions (see Normalization).
/// y = (x - mean) / sqrt(var + eps) * gamma + beta, with mean and var in double from reduction to
/// application.

#include <evenkeel/core/array.h>
#include <evenkeel/core/moments.h>

namespace evenkeel::kernels {

/// The moments of each group. A constant group has exactly its value as mean and 0 as variance; var is never
/// negative. Without elements: zeros, count 0.
Moments moments(const Array& x, const Groups& groups);

/// Normalizes by given moments. gamma and beta (how.affine.total() elements of x's dtype, row-major) may be
/// undefined: then they count as 1 and 0. The result has the order of x.
Array normalize(const Array& x, const Array& gamma, const Array& beta, const Moments& moments,
                const Normalization& how);

/// Normalizes by the moments of x itself, group by group while it is in the cache; the same bits as moments()
/// followed by normalize().
struct Normalized {
  Array output;
  Moments moments;
};
Normalized normalize(const Array& x, const Array& gamma, const Array& beta, const Normalization& how);

/// With h = gamma * dy: dx = invstd * (h - mean(h) - xhat * mean(h * xhat)), where both means vanish for
/// given moments; dgamma = sum(dy * xhat) and dbeta = sum(dy) over the groups of how.affine, shaped
/// [how.affine.total()]. What is not wanted stays undefined. `grad` and x lie in how.order.
struct NormalizeGradients {
  Array x, gamma, beta;
};
struct NormalizeWants {
  bool x = true, affine = true;
};
NormalizeGradients normalize_backward(const Array& grad, const Array& x, const Array& gamma,
                                      const Array& mean, const Array& var, const Normalization& how,
                                      NormalizeWants wants);

}  // namespace evenkeel::kernels
