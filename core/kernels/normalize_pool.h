#pragma once
/// Normalization by the moments of x itself, and the maximum pooling of its result.

#include <evenkeel/core/kernels/normalize.h>
#include <evenkeel/core/window.h>

namespace evenkeel::kernels {

/// max_pool2d(normalize(x)), bit for bit; taps are MaxPool's. x_at_maxima are the elements of x that gave the
/// maxima: undefined where both ops were done in turn.
struct NormalizedMaxPool {
  Array values, taps, x_at_maxima;
  Moments moments;
};
NormalizedMaxPool normalize_max_pool2d(const Array& x, const Array& gamma, const Array& beta,
                                       const Normalization& how, const Window& window);

/// The gradients of both: normalize_backward of what max_pool2d_adjoint gives back. Where x_at_maxima is
/// defined, the same terms are added up in another order, in double. The values found are not read.
NormalizeGradients normalize_max_pool2d_backward(const Array& grad, const NormalizedMaxPool& found,
                                                 const Array& x, const Array& gamma, const Normalization& how,
                                                 const Window& window, NormalizeWants wants);

}  // namespace evenkeel::kernels
