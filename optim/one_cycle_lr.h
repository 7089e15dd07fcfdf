#pragma once

#include <evenkeel/optim/lr_scheduler.h>

#include <initializer_list>

namespace evenkeel {

/// One number for all groups of an optimizer, or one for each.
struct PerGroup {
  explicit(false) PerGroup(double number) : values{number} {}
  explicit(false) PerGroup(std::initializer_list<double> numbers) : values(numbers) {}
  double operator[](std::size_t group) const { return values.size() == 1 ? values[0] : values[group]; }

  std::vector<double> values;
};

enum class Anneal : std::uint8_t { cos, linear };

/// One cycle of lr and, the other way round, momentum (Smith and Topin 2019), as
/// torch.optim.lr_scheduler.OneCycleLR. lr goes from max_lr / div_factor up to max_lr in the first
/// pct_start of the steps, and down to max_lr / div_factor / final_div_factor in the rest; three_phase
/// returns to where it began as fast as it rose, and falls from there. It steps once a batch and ignores the
/// lr that the optimizer was given.
class OneCycleLR final : public LRScheduler {
 public:
  struct Options {
    PerGroup max_lr;               ///< required
    std::int64_t total_steps = 0;  ///< required, or else both of the next two
    std::int64_t epochs = 0, steps_per_epoch = 0;
    double pct_start = 0.3;
    Anneal anneal_strategy = Anneal::cos;
    bool cycle_momentum = true;  ///< from max_momentum down to base_momentum and up again; for Adam, betas[0]
    PerGroup base_momentum = 0.85, max_momentum = 0.95;
    double div_factor = 25, final_div_factor = 1e4;
    bool three_phase = false;
  };
  /// Throws ArgumentError without a positive number of steps, for a pct_start outside [0, 1], factors that
  /// are not positive and finite, a max_lr or momentum that is negative or not finite, lists that do not fit
  /// the groups, and cycle_momentum for an optimizer without momentum.
  OneCycleLR(Optimizer& optimizer, const Options& given);

  /// Throws ArgumentError beyond total_steps. That last one, which comes after the last step of a training,
  /// goes on beyond the end of the cycle, as PyTorch's does.
  double lr_at(std::size_t group, std::int64_t epoch) const override;
  std::optional<double> momentum_at(std::size_t group, std::int64_t epoch) const override;

  const Options options;
  const std::int64_t total_steps;

 private:
  /// Where a step is: between two of the values that the cycle passes.
  struct Place {
    std::size_t phase;
    double part;
  };
  Place place_of(std::int64_t epoch) const;
  double anneal(double from, double to, double part) const;
  void check_per_group(std::string_view option, const PerGroup& numbers) const;
};

}  // namespace evenkeel
