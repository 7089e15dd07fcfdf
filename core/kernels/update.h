#pragma once
/// One step of an optimizer for one parameter, as a single pass over its elements. Gradients are only read.

#include <evenkeel/core/array.h>

namespace evenkeel::kernels {

struct SgdStep {
  double lr = 0, momentum = 0, dampening = 0, weight_decay = 0;
  bool nesterov = false, maximize = false;
  bool first = false;  ///< the velocity has seen no gradient yet
};
/// value -= lr * velocity, see SGD. `velocity` is read and written where there is momentum, else undefined.
/// All are row-major, of one shape and floating dtype.
void sgd_step(Array& value, Array& velocity, const Array& grad, const SgdStep& step);

struct AdamStep {
  double step_size = 0;  ///< lr / (1 - beta1^t)
  double beta1 = 0, beta2 = 0;
  double root_correction = 1;  ///< sqrt(1 - beta2^t)
  double eps = 0;
  double gradient_decay = 0;  ///< weight decay as a part of the gradient
  double value_factor = 1;    ///< weight decay of the value itself
  bool maximize = false;
};
/// One step of Adam, which says what the arrays are. The divisor is the root of `max_exp_avg_sq` where that
/// is given, else of `exp_avg_sq`.
void adam_step(Array& value, Array& exp_avg, Array& exp_avg_sq, Array* max_exp_avg_sq, const Array& grad,
               const AdamStep& step);

}  // namespace evenkeel::kernels
