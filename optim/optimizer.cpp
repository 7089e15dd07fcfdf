#include <evenkeel/core/check.h>
#include <evenkeel/core/state_reader.h>
#include <evenkeel/optim/optimizer.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <utility>

namespace evenkeel {
namespace {

/// Calls f(group, index, parameter) for all parameters; indices count through the groups, as PyTorch's do.
template <class Groups, class F>
void for_each_parameter(Groups& groups, F f) {
  std::size_t index = 0;
  for (std::size_t group = 0; group < groups.size(); ++group)
    for (const Parameter& parameter : groups[group].parameters) f(group, index++, parameter);
}

std::string group_prefix(std::size_t group) { return "param_groups." + std::to_string(group) + '.'; }
std::string buffer_name(std::size_t parameter, std::string_view buffer) {
  return "state." + std::to_string(parameter) + '.' + std::string(buffer);
}

Shape shape_of(std::span<const double> numbers) {
  return numbers.size() == 1 ? Shape{} : Shape{static_cast<std::int64_t>(numbers.size())};
}

}  // namespace

void check_not_negative(std::string_view optimizer, std::string_view option, double number) {
  check(number >= 0, optimizer, ": ", option, " is ", number, ", expected at least 0");
}

void Optimizer::add_group(const std::vector<Parameter>& parameters, double& lr, double* momentum) {
  groups_.push_back({{}, lr, momentum});
  for (const auto& parameter : parameters) {
    for_each_parameter(groups_, [&](std::size_t group, std::size_t, const Parameter& other) {
      check(parameter.node() != other.node(), name_, ": a parameter of shape ", parameter.shape(),
            " of group ", groups_.size() - 1, " is already in group ", group, "; expected each one once");
    });
    groups_.back().parameters.push_back(parameter);
  }
}

void Optimizer::check_complete() {
  check(parameter_count() > 0, name_, ": there are no parameters, expected at least one");
  check_options();
}

std::size_t Optimizer::parameter_count() const {
  std::size_t count = 0;
  for (const auto& group : groups_) count += group.parameters.size();
  return count;
}

void Optimizer::check_options() {
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    for (const auto& option : options_of(group))
      for (const double number : option.numbers)
        check(std::isfinite(number), name_, ": ", option.name, " is ", number, ", expected a finite number");
    check_ranges(group);
  }
}

void Optimizer::check_buffers(std::size_t group, std::size_t index, const Parameter& parameter) {
  for (const auto& [name, array, is_count] : buffers_of(group, index))
    check(!array->defined() || is_count ||
              (array->dtype() == parameter.dtype() && array->shape() == parameter.shape()),
          name_, ": parameter ", index, " is ", parameter.dtype(), ' ', parameter.shape(), ", but its ", name,
          " is ", array->dtype(), ' ', array->shape(), "; make the optimizer after converting the net");
}

void Optimizer::step() {
  check_options();
  for_each_parameter(groups_, [&](std::size_t group, std::size_t index, const Parameter& parameter) {
    if (parameter.has_grad()) check_buffers(group, index, parameter);
  });
  for_each_parameter(groups_, [&](std::size_t group, std::size_t index, const Parameter& parameter) {
    if (const Tensor grad = parameter.grad(); grad.defined())
      update(group, index, parameter.mutable_value(), row_major(grad.stored()));
  });
}

void Optimizer::zero_grad() const {
  for_each_parameter(groups_, [](std::size_t, std::size_t, const Parameter& p) { p.zero_grad(); });
}

State Optimizer::options_state() const {
  auto& self = const_cast<Optimizer&>(*this);  // one list serves readers and writers
  State state;
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    const auto prefix = group_prefix(group);
    for (const auto& [name, numbers, flag] : self.options_of(group))
      state.emplace_back(prefix + std::string(name),
                         flag ? Array::from(std::array{*flag}, {}) : Array::from(numbers, shape_of(numbers)));
    if (const auto& initial = groups_[group].initial_lr)
      state.emplace_back(prefix + "initial_lr", Array::from(std::array{*initial}, {}));
  }
  return state;
}

State Optimizer::state() const {
  auto& self = const_cast<Optimizer&>(*this);
  State state = options_state();
  std::vector<std::vector<std::int64_t>> members(groups_.size());
  for_each_parameter(groups_, [&](std::size_t group, std::size_t index, const Parameter&) {
    members[group].push_back(static_cast<std::int64_t>(index));
    for (const auto& [name, array, is_count] : self.buffers_of(group, index))
      if (array->defined()) state.emplace_back(buffer_name(index, name), array->clone());
  });
  for (std::size_t group = 0; group < groups_.size(); ++group)
    state.emplace_back(group_prefix(group) + "params",
                       Array::from(members[group], {static_cast<std::int64_t>(members[group].size())}));
  return state;
}

void Optimizer::load_options(StateReader& reader) {
  for (std::size_t group = 0; group < groups_.size(); ++group) {
    const auto prefix = group_prefix(group);
    for (const auto& [name, numbers, flag] : options_of(group)) {
      const Array value = reader.take(prefix + std::string(name), flag ? DType::uint8 : DType::float64,
                                      flag ? Shape{} : shape_of(numbers));
      if (!value.defined()) continue;
      if (flag)
        *flag = value.data<std::uint8_t>()[0] != 0;
      else
        std::ranges::copy(value.data<double>(), numbers.begin());
    }
    if (reader.has(prefix + "initial_lr"))
      if (const Array initial = reader.take(prefix + "initial_lr", DType::float64, {}); initial.defined())
        groups_[group].initial_lr = initial.data<double>()[0];
  }
}

std::vector<std::pair<Array*, Array>> Optimizer::read_buffers(StateReader& reader) {
  std::vector<std::pair<Array*, Array>> read;
  for_each_parameter(groups_, [&](std::size_t group, std::size_t index, const Parameter& parameter) {
    const auto buffers = buffers_of(group, index);
    // All of them or none: a parameter that had no gradient yet has no state.
    const bool any = std::ranges::any_of(
        buffers, [&](const Buffer& buffer) { return reader.has(buffer_name(index, buffer.name)); });
    for (const auto& [name, array, is_count] : buffers) {
      Array value;
      if (any)
        value = reader.take(buffer_name(index, name), is_count ? DType::int64 : parameter.dtype(),
                            is_count ? Shape{} : parameter.shape());
      if (is_count && value.defined()) {
        const auto count = value.data<std::int64_t>()[0];
        check(count >= 0, name_, "::load_state: nothing was loaded; ", buffer_name(index, name), " is ",
              count, ", expected at least 0");
      }
      read.emplace_back(array, std::move(value));
    }
  });
  return read;
}

void Optimizer::load_state(const State& state) {
  const std::string who = std::string(name_) + "::load_state";
  StateReader reader(who, state);
  std::vector<std::pair<Array*, Array>> buffers;
  const State before = options_state();
  try {
    load_options(reader);  // first, since they say which buffers there are
    for (std::size_t group = 0, index = 0; group < groups_.size(); ++group) {
      const auto size = static_cast<std::int64_t>(groups_[group].parameters.size());
      const Array members = reader.take(group_prefix(group) + "params", DType::int64, {size});
      for (std::size_t i = 0; members.defined() && i < groups_[group].parameters.size(); ++i, ++index)
        check(members.data<std::int64_t>()[i] == static_cast<std::int64_t>(index), who,
              ": nothing was loaded; ", group_prefix(group), "params lists ", members.data<std::int64_t>()[i],
              ", expected ", index);
    }
    buffers = read_buffers(reader);
    reader.finish();
    check_options();
  } catch (...) {
    for (auto& group : groups_) group.initial_lr.reset();
    StateReader old(who, before);
    load_options(old);
    throw;
  }
  for (auto& [own, value] : buffers) *own = std::move(value);
}

}  // namespace evenkeel
