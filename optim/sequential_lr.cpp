#include <evenkeel/core/check.h>
#include <evenkeel/optim/sequential_lr.h>

#include <algorithm>

namespace evenkeel {

SequentialLR::SequentialLR(Optimizer& optimizer, const Options& given)
    : LRScheduler("SequentialLR", optimizer), options(given) {
  const auto& [schedulers, milestones] = options;
  check(!schedulers.empty(), name(), ": there are no schedulers, expected at least one");
  check(milestones.size() + 1 == schedulers.size(), name(), ": ", milestones.size(), " milestones for ",
        schedulers.size(), " schedulers, expected one fewer than schedulers");
  for (std::size_t i = 0; i < schedulers.size(); ++i)
    check(schedulers[i] != nullptr && &schedulers[i]->optimizer() == &optimizer, name(), ": scheduler ", i,
          schedulers[i] != nullptr ? " belongs to another optimizer" : " is null");
  check(std::ranges::is_sorted(milestones) && (milestones.empty() || milestones[0] >= 0), name(),
        ": expected milestones of at least 0 in rising order");
  start();
}

SequentialLR::Part SequentialLR::part_at(std::int64_t epoch) const {
  const auto& [schedulers, milestones] = options;
  const auto passed = std::ranges::upper_bound(milestones, epoch) - milestones.begin();
  const auto index = static_cast<std::size_t>(passed);
  return {*schedulers[index], index == 0 ? epoch : epoch - milestones[index - 1]};
}

double SequentialLR::lr_at(std::size_t group, std::int64_t epoch) const {
  const Part part = part_at(epoch);
  return part.schedule.lr_at(group, part.epoch);
}

std::optional<double> SequentialLR::momentum_at(std::size_t group, std::int64_t epoch) const {
  const Part part = part_at(epoch);
  return part.schedule.momentum_at(group, part.epoch);
}

}  // namespace evenkeel
