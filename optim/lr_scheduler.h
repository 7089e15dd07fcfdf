#pragma once

#include <evenkeel/core/required.h>
#include <evenkeel/optim/optimizer.h>

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

namespace evenkeel {

/// A learning rate that changes from step to step (or epoch to epoch), as in torch.optim.lr_scheduler. A
/// schedule is a function of the step alone, in closed form: it neither drifts nor builds on what else was
/// written to the groups, so two of them are joined by SequentialLR, not by stepping both.
///
/// It starts from the groups' initial_lr, which the first schedule of an optimizer takes from lr. The
/// optimizer must outlive it.
class LRScheduler {
 public:
  virtual ~LRScheduler() = default;
  LRScheduler(const LRScheduler&) = delete;
  LRScheduler& operator=(const LRScheduler&) = delete;

  /// Sets lr (and, for OneCycleLR, momentum) for the next step; call it after the optimizer's step().
  void step() { move_to(last_epoch_ + 1); }
  /// How often step() was called.
  std::int64_t last_epoch() const { return last_epoch_; }
  /// What was set last, for each group.
  const std::vector<double>& last_lr() const { return last_lr_; }

  /// What it gives a group at a step, counted from 0.
  virtual double lr_at(std::size_t group, std::int64_t epoch) const = 0;
  /// The same for the momentum; none where the schedule leaves it alone.
  virtual std::optional<double> momentum_at(std::size_t group, std::int64_t epoch) const;

  /// The step, under PyTorch's name: `last_epoch`. initial_lr is part of the optimizer's state.
  State state() const;
  /// Goes to the step of a state and sets what belongs to it. Throws ArgumentError for another state.
  void load_state(const State& state);

  const Optimizer& optimizer() const { return optimizer_; }

 protected:
  /// Messages start with `name`.
  LRScheduler(std::string_view name, Optimizer& optimizer);
  /// Called by constructors at the end: notes initial_lr and sets what belongs to step 0.
  void start();
  std::string_view name() const { return name_; }
  std::size_t group_count() const { return optimizer_.groups().size(); }
  const ParameterGroup& group(std::size_t index) const;
  double initial_lr(std::size_t group) const;

 private:
  void move_to(std::int64_t epoch);

  std::string_view name_;
  Optimizer& optimizer_;
  std::int64_t last_epoch_ = 0;
  std::vector<double> last_lr_;
};

/// lr = initial_lr * gamma^floor(step / step_size)
class StepLR final : public LRScheduler {
 public:
  struct Options {
    Required<std::int64_t> step_size;
    double gamma = 0.1;
  };
  /// Throws ArgumentError for a step_size below 1 and a gamma that is negative or not finite.
  StepLR(Optimizer& optimizer, const Options& given);
  double lr_at(std::size_t group, std::int64_t epoch) const override;

  const Options options;
};

/// lr = initial_lr * gamma^(milestones reached); a milestone that is listed twice counts twice.
class MultiStepLR final : public LRScheduler {
 public:
  struct Options {
    Required<std::vector<std::int64_t>> milestones;  ///< in any order
    double gamma = 0.1;
  };
  /// Throws ArgumentError for a negative milestone and a gamma that is negative or not finite.
  MultiStepLR(Optimizer& optimizer, const Options& given);
  double lr_at(std::size_t group, std::int64_t epoch) const override;

  const Options options;
};

/// lr = initial_lr * gamma^step
class ExponentialLR final : public LRScheduler {
 public:
  struct Options {
    Required<double> gamma;
  };
  /// Throws ArgumentError for a gamma that is negative or not finite.
  ExponentialLR(Optimizer& optimizer, const Options& given);
  double lr_at(std::size_t group, std::int64_t epoch) const override;

  const Options options;
};

/// lr = eta_min + (initial_lr - eta_min) * (1 + cos(pi step / T_max)) / 2; beyond T_max it rises again
/// (Loshchilov and Hutter 2017, without restarts).
class CosineAnnealingLR final : public LRScheduler {
 public:
  struct Options {
    Required<std::int64_t> T_max;
    double eta_min = 0;
  };
  /// Throws ArgumentError for a T_max below 1 and an eta_min that is negative or not finite.
  CosineAnnealingLR(Optimizer& optimizer, const Options& given);
  double lr_at(std::size_t group, std::int64_t epoch) const override;

  const Options options;
};

/// Warm-up: lr = initial_lr * factor, which goes from start_factor to end_factor in total_iters equal steps
/// and stays there.
class LinearLR final : public LRScheduler {
 public:
  struct Options {
    double start_factor = 1.0 / 3, end_factor = 1;
    std::int64_t total_iters = 5;
  };
  /// Throws ArgumentError for a start_factor outside (0, 1], an end_factor outside [0, 1] and total_iters
  /// below 1.
  LinearLR(Optimizer& optimizer, const Options& given);
  explicit LinearLR(Optimizer& optimizer) : LinearLR(optimizer, Options()) {}
  double lr_at(std::size_t group, std::int64_t epoch) const override;

  const Options options;
};

}  // namespace evenkeel
