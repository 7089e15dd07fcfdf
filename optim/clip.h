#pragma once

#include <evenkeel/autograd/parameter.h>
#include <evenkeel/core/required.h>

#include <vector>

namespace evenkeel {

struct ClipGradNormOptions {
  Required<double> max_norm;  ///< infinity only measures
  double norm_type = 2;       ///< p of the norm, above 0; infinity takes the largest magnitude
  bool error_if_nonfinite = false;
};
/// Scales all gradients by min(1, max_norm / (norm + 1e-6)), where the norm is that of all of them as one
/// vector, and returns that norm, as it was before; 0 without gradients. As torch.nn.utils.clip_grad_norm_,
/// but summed in double, in an order that follows from the shapes alone. A norm that is not finite makes
/// gradients 0 or NaN, or with error_if_nonfinite an ArgumentError that leaves them as they were. Throws
/// ArgumentError for a negative or NaN max_norm and a norm_type that is not above 0.
double clip_grad_norm(const std::vector<Parameter>& parameters, const ClipGradNormOptions& options);

/// Limits every element of the gradients to [-clip_value, clip_value]; NaN stays. As
/// torch.nn.utils.clip_grad_value_. Throws ArgumentError for a negative or NaN clip_value.
void clip_grad_value(const std::vector<Parameter>& parameters, double clip_value);

}  // namespace evenkeel
