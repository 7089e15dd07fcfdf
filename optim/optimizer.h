#pragma once

#include <evenkeel/autograd/parameter.h>
#include <evenkeel/core/state.h>

#include <array>
#include <cstddef>
#include <optional>
#include <span>
#include <string_view>
#include <vector>

namespace evenkeel {

class StateReader;

/// Parameters that share their options, as schedules see them. `lr` and `momentum` are the options
/// themselves: what is written there holds from the next step on.
struct ParameterGroup {
  std::vector<Parameter> parameters;
  double& lr;
  double* momentum;  ///< SGD's momentum, Adam's betas[0]; null where there is none
  /// The lr that schedules start from. The first schedule takes it from lr; to start over with another lr,
  /// write both.
  std::optional<double> initial_lr = {};
};

/// Moves parameters along their gradients, which it never changes. It stays in its place, since schedules
/// hold on to it: it neither copies nor moves.
class Optimizer {
 public:
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  /// Updates every parameter that has a gradient; the others keep their value and their state. Throws
  /// ArgumentError, before anything moves, for an option that the constructor would refuse and for a
  /// parameter whose dtype has changed since its first step.
  void step();
  /// Makes all gradients absent.
  void zero_grad() const;
  std::span<ParameterGroup> groups() { return groups_; }

  /// Copies of all that a training needs to resume to the bit, under PyTorch's names: the options as
  /// "param_groups.0.lr", what belongs to parameter i as "state.i.momentum_buffer".
  State state() const;
  /// Takes a state of an optimizer of this class over parameters of the same shapes in the same groups:
  /// everything, options included, or an ArgumentError that leaves the optimizer as it was.
  void load_state(const State& state);

 protected:
  /// An option by PyTorch's name: numbers or a flag.
  struct Option {
    Option(std::string_view option, double& number) : name(option), numbers(&number, 1) {}
    Option(std::string_view option, std::array<double, 2>& pair) : name(option), numbers(pair) {}
    Option(std::string_view option, bool& on) : name(option), flag(&on) {}

    std::string_view name;
    std::span<double> numbers = {};
    bool* flag = nullptr;
  };
  /// What an update remembers of a parameter, by PyTorch's name; undefined before its first update. A count
  /// is one int64, everything else is like the parameter.
  struct Buffer {
    std::string_view name;
    Array* array;
    bool is_count = false;
  };

  /// Messages start with `name`.
  explicit Optimizer(std::string_view name) : name_(name) {}
  /// Called by constructors for each group. Throws ArgumentError where a parameter is in the optimizer
  /// already.
  void add_group(const std::vector<Parameter>& parameters, double& lr, double* momentum);
  /// Called by constructors at the end: there must be parameters, and options in their ranges.
  void check_complete();
  std::size_t parameter_count() const;
  std::string_view name() const { return name_; }

  virtual std::vector<Option> options_of(std::size_t group) = 0;
  virtual std::vector<Buffer> buffers_of(std::size_t group, std::size_t parameter) = 0;
  /// Throws ArgumentError for options outside their ranges; that they are finite is known.
  virtual void check_ranges(std::size_t group) const = 0;
  /// One step of one parameter; indices count through all groups.
  virtual void update(std::size_t group, std::size_t parameter, Array& value, const Array& grad) = 0;

 private:
  void check_options();
  void check_buffers(std::size_t group, std::size_t index, const Parameter& parameter);
  State options_state() const;
  void load_options(StateReader& reader);
  std::vector<std::pair<Array*, Array>> read_buffers(StateReader& reader);

  std::string_view name_;
  std::vector<ParameterGroup> groups_;
};

/// Throws ArgumentError unless `number` is at least 0.
void check_not_negative(std::string_view optimizer, std::string_view option, double number);

}  // namespace evenkeel
