#pragma once

#include <evenkeel/optim/lr_scheduler.h>

namespace evenkeel {

/// One schedule after another: schedule i + 1 begins, at its step 0, at step milestones[i]. Only this one is
/// stepped and saved; the parts say what it does.
///
///     LinearLR warm_up(sgd, {.start_factor = 0.1, .total_iters = 5});
///     CosineAnnealingLR cosine(sgd, {.T_max = 45});
///     SequentialLR schedule(sgd, {.schedulers = {&warm_up, &cosine}, .milestones = {5}});
class SequentialLR final : public LRScheduler {
 public:
  struct Options {
    std::vector<const LRScheduler*> schedulers;  ///< required; they must outlive this one
    std::vector<std::int64_t> milestones = {};
  };
  /// Throws ArgumentError without schedulers, for one of another optimizer, and unless there is one milestone
  /// fewer, none negative, in rising order.
  SequentialLR(Optimizer& optimizer, const Options& given);

  double lr_at(std::size_t group, std::int64_t epoch) const override;
  std::optional<double> momentum_at(std::size_t group, std::int64_t epoch) const override;

  const Options options;

 private:
  struct Part {
    const LRScheduler& schedule;
    std::int64_t epoch;
  };
  Part part_at(std::int64_t epoch) const;
};

}  // namespace evenkeel
