#include <evenkeel/core/kernels/normalize_plain.h>

namespace evenkeel::kernels {

Moments moments(const Array& x, const Groups& groups) { return plain_moments(x, groups); }

Array normalize(const Array& x, const Array& gamma, const Array& beta, const Moments& moments,
                const Normalization& how) {
  return plain_normalize(x, gamma, beta, moments, how);
}

Normalized normalize(const Array& x, const Array& gamma, const Array& beta, const Normalization& how) {
  Moments own = moments(x, how.moments);
  return {normalize(x, gamma, beta, own, how), own};
}

NormalizeGradients normalize_backward(const Array& grad, const Array& x, const Array& gamma,
                                      const Array& mean, const Array& var, const Normalization& how,
                                      NormalizeWants wants) {
  return plain_normalize_backward(grad, x, gamma, mean, var, how, wants);
}

}  // namespace evenkeel::kernels
