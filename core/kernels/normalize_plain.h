#pragma once
/// The definition, in double, for every partition: what normalize.h promises, run by run. It serves the
/// partitions that have no faster path, and is what the faster paths are compared with.

#include <evenkeel/core/kernels/normalize.h>

#include <cmath>

namespace evenkeel::kernels {

Moments plain_moments(const Array& x, const Groups& groups);
Array plain_normalize(const Array& x, const Array& gamma, const Array& beta, const Moments& moments,
                      const Normalization& how);
NormalizeGradients plain_normalize_backward(const Array& grad, const Array& x, const Array& gamma,
                                            const Array& mean, const Array& var, const Normalization& how,
                                            NormalizeWants wants);

/// By given moments, element by element too, but rounded as the loops over runs and columns round: these take
/// the same sample in a larger batch, and it must not come out differently there.
Array rounded_normalize(const Array& x, const Array& gamma, const Array& beta, const Moments& moments,
                        const Normalization& how);
/// dx alone.
Array rounded_normalize_backward(const Array& grad, const Array& x, const Array& gamma, const Array& mean,
                                 const Array& var, const Normalization& how);

/// 1 / sqrt(var + eps), and 0 where that is 1 / 0: there x is its mean, and y is to be beta.
inline double inverse_std(double var, double eps) {
  const double t = var + eps;
  return t == 0 ? 0 : 1 / std::sqrt(t);
}

}  // namespace evenkeel::kernels
