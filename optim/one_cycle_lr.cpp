#include <evenkeel/core/check.h>
#include <evenkeel/optim/one_cycle_lr.h>

#include <array>
#include <cmath>
#include <numbers>

namespace evenkeel {
namespace {

std::int64_t steps_of(const OneCycleLR::Options& o) {
  if (o.total_steps != 0) {
    check(o.total_steps > 0, "OneCycleLR: total_steps is ", o.total_steps, ", expected at least 1");
    return o.total_steps;
  }
  std::int64_t steps = 0;
  check(o.epochs > 0 && o.steps_per_epoch > 0 && !__builtin_mul_overflow(o.epochs, o.steps_per_epoch, &steps),
        "OneCycleLR: expected total_steps, or epochs (", o.epochs, ") and steps_per_epoch (",
        o.steps_per_epoch, "), of at least 1");
  return steps;
}

}  // namespace

OneCycleLR::OneCycleLR(Optimizer& optimizer, const Options& given)
    : LRScheduler("OneCycleLR", optimizer), options(given), total_steps(steps_of(given)) {
  check(options.pct_start >= 0 && options.pct_start <= 1, name(), ": pct_start is ", options.pct_start,
        ", expected in [0, 1]");
  for (const double factor : {options.div_factor, options.final_div_factor})
    check(std::isfinite(factor) && factor > 0, name(), ": div_factor (", options.div_factor,
          ") and final_div_factor (", options.final_div_factor, ") must be positive and finite");
  check_per_group("max_lr", options.max_lr);
  if (options.cycle_momentum) {
    check_per_group("base_momentum", options.base_momentum);
    check_per_group("max_momentum", options.max_momentum);
    for (std::size_t i = 0; i < group_count(); ++i)
      check(group(i).momentum != nullptr, name(),
            ": the optimizer has no momentum, expected one that has, or cycle_momentum = false");
  }
  start();
}

void OneCycleLR::check_per_group(std::string_view option, const PerGroup& numbers) const {
  const auto count = numbers.values.size();
  check(count == 1 || count == group_count(), name(), ": ", option, " has ", count, " numbers for ",
        group_count(), " groups, expected one, or one for each");
  for (const double number : numbers.values)
    check(std::isfinite(number) && number >= 0, name(), ": ", option, " is ", number,
          ", expected a finite number of at least 0");
}

OneCycleLR::Place OneCycleLR::place_of(std::int64_t epoch) const {
  check(epoch <= total_steps, name(), ": step ", epoch, " is beyond total_steps (", total_steps, ")");
  const auto steps = static_cast<double>(total_steps), step = static_cast<double>(epoch);
  const double rise = options.pct_start * steps, last = steps - 1;
  const auto ends =
      options.three_phase ? std::vector{rise - 1, 2 * rise - 2, last} : std::vector{rise - 1, last};
  std::size_t phase = 0;
  while (phase + 1 < ends.size() && step > ends[phase]) ++phase;
  const double begin = phase == 0 ? 0 : ends[phase - 1], width = ends[phase] - begin;
  return {phase, width == 0 ? 1 : (step - begin) / width};
}

double OneCycleLR::anneal(double from, double to, double part) const {
  if (options.anneal_strategy == Anneal::linear) return (to - from) * part + from;
  return to + (from - to) / 2 * (std::cos(std::numbers::pi * part) + 1);
}

double OneCycleLR::lr_at(std::size_t index, std::int64_t epoch) const {
  group(index);  // must exist
  const double top = options.max_lr[index], begin = top / options.div_factor;
  const double end = begin / options.final_div_factor;
  const auto stations =
      options.three_phase ? std::vector{begin, top, begin, end} : std::vector{begin, top, end};
  const Place place = place_of(epoch);
  return anneal(stations[place.phase], stations[place.phase + 1], place.part);
}

std::optional<double> OneCycleLR::momentum_at(std::size_t index, std::int64_t epoch) const {
  if (!options.cycle_momentum) return {};
  group(index);
  const double high = options.max_momentum[index], low = options.base_momentum[index];
  const std::array stations{high, low, high, high};
  const Place place = place_of(epoch);
  return anneal(stations[place.phase], stations[place.phase + 1], place.part);
}

}  // namespace evenkeel
