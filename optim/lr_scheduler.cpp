#include <evenkeel/core/check.h>
#include <evenkeel/core/state_reader.h>
#include <evenkeel/optim/lr_scheduler.h>

#include <algorithm>
#include <cmath>
#include <numbers>
#include <string>

namespace evenkeel {
namespace {

void check_factor(std::string_view schedule, std::string_view option, double number) {
  check(std::isfinite(number) && number >= 0, schedule, ": ", option, " is ", number,
        ", expected a finite number of at least 0");
}
void check_positive(std::string_view schedule, std::string_view option, std::int64_t number) {
  check(number > 0, schedule, ": ", option, " is ", number, ", expected at least 1");
}

double decay(double gamma, std::int64_t steps) { return std::pow(gamma, static_cast<double>(steps)); }

}  // namespace

LRScheduler::LRScheduler(std::string_view name, Optimizer& optimizer) : name_(name), optimizer_(optimizer) {}

void LRScheduler::start() {
  for (auto& group : optimizer_.groups())
    if (!group.initial_lr) group.initial_lr = group.lr;
  move_to(0);
}

std::optional<double> LRScheduler::momentum_at(std::size_t, std::int64_t) const { return {}; }

const ParameterGroup& LRScheduler::group(std::size_t index) const {
  check(index < group_count(), name_, ": there is no group ", index, ", only ", group_count());
  return optimizer_.groups()[index];
}

double LRScheduler::initial_lr(std::size_t index) const {
  const ParameterGroup& found = group(index);
  return found.initial_lr.value_or(found.lr);
}

void LRScheduler::move_to(std::int64_t epoch) {
  std::vector<double> lr;
  std::vector<std::optional<double>> momentum;
  for (std::size_t i = 0; i < group_count(); ++i) {  // all of them before any is set
    lr.push_back(lr_at(i, epoch));
    momentum.push_back(momentum_at(i, epoch));
  }
  for (std::size_t i = 0; i < group_count(); ++i) {
    const ParameterGroup& target = optimizer_.groups()[i];
    target.lr = lr[i];
    if (momentum[i] && target.momentum != nullptr) *target.momentum = *momentum[i];
  }
  last_epoch_ = epoch;
  last_lr_ = std::move(lr);
}

State LRScheduler::state() const { return {{"last_epoch", Array::from(std::array{last_epoch_}, {})}}; }

void LRScheduler::load_state(const State& state) {
  const std::string who = std::string(name_) + "::load_state";
  StateReader reader(who, state);
  const Array epoch = reader.take("last_epoch", DType::int64, {});
  reader.finish();
  const auto step = epoch.data<std::int64_t>()[0];
  check(step >= 0, who, ": last_epoch is ", step, ", expected at least 0");
  move_to(step);
}

StepLR::StepLR(Optimizer& optimizer, const Options& given)
    : LRScheduler("StepLR", optimizer), options(given) {
  check_positive(name(), "step_size", options.step_size);
  check_factor(name(), "gamma", options.gamma);
  start();
}
double StepLR::lr_at(std::size_t group, std::int64_t epoch) const {
  return initial_lr(group) * decay(options.gamma, epoch / options.step_size);
}

MultiStepLR::MultiStepLR(Optimizer& optimizer, const Options& given)
    : LRScheduler("MultiStepLR", optimizer), options(given) {
  for (const auto milestone : options.milestones.value)
    check(milestone >= 0, name(), ": a milestone is ", milestone, ", expected at least 0");
  check_factor(name(), "gamma", options.gamma);
  start();
}
double MultiStepLR::lr_at(std::size_t group, std::int64_t epoch) const {
  const auto reached = std::ranges::count_if(options.milestones.value,
                                             [&](std::int64_t milestone) { return milestone <= epoch; });
  return initial_lr(group) * decay(options.gamma, reached);
}

ExponentialLR::ExponentialLR(Optimizer& optimizer, const Options& given)
    : LRScheduler("ExponentialLR", optimizer), options(given) {
  check_factor(name(), "gamma", options.gamma);
  start();
}
double ExponentialLR::lr_at(std::size_t group, std::int64_t epoch) const {
  return initial_lr(group) * decay(options.gamma, epoch);
}

CosineAnnealingLR::CosineAnnealingLR(Optimizer& optimizer, const Options& given)
    : LRScheduler("CosineAnnealingLR", optimizer), options(given) {
  check_positive(name(), "T_max", options.T_max);
  check_factor(name(), "eta_min", options.eta_min);
  start();
}
double CosineAnnealingLR::lr_at(std::size_t group, std::int64_t epoch) const {
  const double angle = std::numbers::pi * static_cast<double>(epoch) / static_cast<double>(options.T_max);
  return options.eta_min + (initial_lr(group) - options.eta_min) * (1 + std::cos(angle)) / 2;
}

LinearLR::LinearLR(Optimizer& optimizer, const Options& given)
    : LRScheduler("LinearLR", optimizer), options(given) {
  const auto& [start_factor, end_factor, total_iters] = options;
  check(start_factor > 0 && start_factor <= 1, name(), ": start_factor is ", start_factor,
        ", expected above 0 and at most 1");
  check(end_factor >= 0 && end_factor <= 1, name(), ": end_factor is ", end_factor, ", expected in [0, 1]");
  check_positive(name(), "total_iters", total_iters);
  start();
}
double LinearLR::lr_at(std::size_t group, std::int64_t epoch) const {
  const auto& [start_factor, end_factor, total_iters] = options;
  const auto reached = static_cast<double>(std::min(epoch, total_iters)) / static_cast<double>(total_iters);
  return initial_lr(group) * (start_factor + (end_factor - start_factor) * reached);
}

}  // namespace evenkeel
