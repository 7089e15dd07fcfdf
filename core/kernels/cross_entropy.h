#pragma once
/// The loss of every row of scores [rows, classes], row-major: with weights q of the classes,
/// loss = -sum_c q_c log p_c, where log p_c = x_c - log sum_k e^x_k, or x_c where the scores are
/// log-probabilities already.

#include <evenkeel/core/array.h>

#include <cstdint>

namespace evenkeel::kernels {

/// Says what q is: weight_c * ((1 - label_smoothing) * p_c + label_smoothing / classes) for probabilities p;
/// for a class t, (1 - label_smoothing) * weight_t at t plus label_smoothing / classes * weight_c everywhere,
/// or 0 where t is ignore_index.
struct ClassTargets {
  Array target;  ///< int64 [rows], each a class or ignore_index, or probabilities [rows, classes]
  Array weight;  ///< [classes]; undefined: 1 each
  std::int64_t ignore_index = -100;
  double label_smoothing = 0;
  bool scores_are_logs = false;
};

struct ClassLosses {
  Array losses;    ///< float64 [rows]
  Array log_sums;  ///< float64 [rows, 2]: the largest score m and log sum_k e^(x_k - m), or zeros
};
ClassLosses cross_entropy(const Array& scores, const ClassTargets& targets);
/// The gradient of sum_i scale * grad_i * loss_i, where grad has an element for each row or one for all:
/// scale * grad * (Q p - q) with Q = sum_c q_c, and without Q p for log-probabilities.
Array cross_entropy_backward(const Array& grad, double scale, const Array& scores, const Array& log_sums,
                             const ClassTargets& targets);
/// q for classes as targets, of this shape and dtype.
Array class_shares(const Shape& scores, DType dtype, const ClassTargets& targets);

}  // namespace evenkeel::kernels
