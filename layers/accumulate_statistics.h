#pragma once

#include <evenkeel/layers/running_norm.h>

#include <memory>
#include <utility>
#include <vector>

namespace evenkeel {

/// For gradients that accumulate over micro-batches: the running statistics of the net move once for each
/// step of the optimizer, by the moments of all its micro-batches together.
///
///     AccumulateStatistics statistics(net);
///     for (each step) {
///       for (each micro-batch) (loss(net(inputs), targets) / micro_batches).backward();
///       sgd.step();
///       sgd.zero_grad();
///       statistics.commit();
///     }
///
/// For a BatchNorm these are exactly the mean and variance of the whole batch (see merge), and
/// num_batches_tracked counts one; for an InstanceNorm the mean over all samples. Each micro-batch is still
/// normalized by itself. What was not committed when the object ends is forgotten: the statistics stay as
/// they are. The net must stay where it is in memory meanwhile.
class AccumulateStatistics {
 public:
  /// Throws ArgumentError while another one accumulates for a layer of the net.
  explicit AccumulateStatistics(Module& net);
  AccumulateStatistics(const AccumulateStatistics&) = delete;
  AccumulateStatistics& operator=(const AccumulateStatistics&) = delete;

  /// Moves the statistics of every layer that saw a batch since the last commit.
  void commit();

 private:
  std::vector<std::pair<RunningNorm*, std::shared_ptr<Moments>>> pools_;
};

}  // namespace evenkeel
