#pragma once

#include <evenkeel/layers/layer.h>

#include <functional>
#include <type_traits>

namespace evenkeel {

struct RecalibrateOptions {
  /// false: every batch has the same weight, as in PyTorch's swa_utils.update_bn. true: the exact mean and
  /// variance over all elements of all batches.
  bool pooled = false;
  /// Whether other layers, such as Dropout, run as in training, as in PyTorch; false: as in evaluation, as
  /// they will when the statistics are used.
  bool others_in_training = true;
};

namespace detail {
using Visitor = std::function<void(const Tensor& inputs)>;
void recalibrate(Layer& net, const std::function<void(const Visitor&)>& for_each, RecalibrateOptions options);

template <class Batch>
const Tensor& inputs_of(const Batch& batch) {
  if constexpr (std::is_convertible_v<const Batch&, const Tensor&>)
    return batch;
  else
    return batch.inputs;
}
}  // namespace detail

/// Estimates the running statistics of a net anew, from batches: a range of Tensors, or of things with
/// `.inputs` such as a DataLoader. For weights that no training step has seen, as averaged or pruned ones,
/// and for data from elsewhere.
///
/// The net runs each batch without history, in training mode, so that every layer sees what the ones before
/// it make of the batch's own statistics. Then the running mean is the average of the batches' means, the
/// running variance that of their variances (see RunningVariance), and num_batches_tracked is the number of
/// batches. Modes and momentum stay. So do the statistics of layers that are frozen, that have a momentum
/// which moves nothing, or that no batch reaches. Unlike PyTorch it takes InstanceNorm too, averages in
/// double, and takes batches of ghosts (ghost_batch_size) for whole ones.
///
/// Throws what the net or the range throws, and ArgumentError for no batches; then statistics, other buffers
/// and generators are as before.
template <class Batches>
void recalibrate(Layer& net, Batches&& batches, RecalibrateOptions options = {}) {
  detail::recalibrate(
      net,
      [&](const detail::Visitor& visit) {
        for (auto&& batch : batches) visit(detail::inputs_of(batch));
      },
      options);
}

}  // namespace evenkeel
