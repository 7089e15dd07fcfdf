#pragma once
/// Losses of float32 and float64 tensors, as PyTorch's. Sums are kept in double. They throw ArgumentError for
/// shapes and dtypes that do not fit (nothing is broadcast but weights), for options outside their range and
/// for weights that require a gradient.

#include <evenkeel/autograd/tensor.h>

#include <cstdint>

namespace evenkeel {

/// What becomes of the losses of all samples. The mean of nothing is NaN.
enum class Reduction : std::uint8_t { none, mean, sum };

struct CrossEntropyOptions {
  Tensor weight = {};                ///< of each class, [C]; undefined: 1 each
  std::int64_t ignore_index = -100;  ///< a target without loss and gradient; for class indices only
  double label_smoothing = 0;        ///< in [0, 1]: this share of each target goes to all classes alike
  Reduction reduction = Reduction::mean;
};
/// -sum_c weight_c p_c log softmax(scores)_c for scores [C], [N, C] or [N, C, d1, ...]. The target is the
/// class, int64 without the axis of classes ([], [N] or [N, d1, ...]: p is 1 there), or the probabilities p
/// of the scores' shape and dtype, which may require a gradient. The mean over class indices divides by the
/// weights of all targets, that over probabilities by their number. Throws ArgumentError for a class that is
/// neither in [0, C) nor ignore_index, and for probabilities with an ignore_index that is not negative.
Tensor cross_entropy(const Tensor& scores, const Tensor& target, const CrossEntropyOptions& options = {});

struct NllLossOptions {
  Tensor weight = {};                ///< of each class, [C]; undefined: 1 each
  std::int64_t ignore_index = -100;  ///< a target without loss and gradient
  Reduction reduction = Reduction::mean;
};
/// -weight_t x_t for log-probabilities x [C], [N, C] or [N, C, d1, ...], such as those of log_softmax, and
/// classes t, int64 without the axis of classes. The mean divides by the weights of all targets.
Tensor nll_loss(const Tensor& x, const Tensor& target, const NllLossOptions& options = {});

struct LossOptions {
  Reduction reduction = Reduction::mean;
};
/// (x - target)^2. Unlike PyTorch, which warns and broadcasts, it throws where the shapes differ.
Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});
/// |x - target|, whose derivative at 0 is 0. Throws where the shapes differ.
Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& options = {});

struct BinaryCrossEntropyOptions {
  Tensor weight = {};      ///< of each element, broadcast to x; undefined: 1
  Tensor pos_weight = {};  ///< of the positive part, broadcast to x; undefined: 1
  Reduction reduction = Reduction::mean;
};
/// -weight * (pos_weight * t * log sigmoid(x) + (1 - t) * log(1 - sigmoid(x))) for logits x and targets t of
/// their shape and dtype, usually in [0, 1].
Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyOptions& options = {});

}  // namespace evenkeel
