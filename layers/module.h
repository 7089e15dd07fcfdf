#pragma once

#include <evenkeel/autograd/parameter.h>
#include <evenkeel/core/state.h>
#include <evenkeel/layers/fields.h>

#include <concepts>
#include <functional>
#include <iosfwd>
#include <string>
#include <utility>
#include <vector>

namespace evenkeel {

struct StateOptions {
  bool rng = false;  ///< also the positions of the generators, for a training that resumes
};
struct LoadOptions {
  bool strict = true;  ///< whether missing and unexpected names are errors
};

/// A part of a model: values, and modules inside it. A class lists its members in fields() and all below
/// follows from that list. It moves but does not copy, since copies would share parameters silently. Models
/// of one tensor to one tensor derive from Layer; others derive from Module and add the call they need.
class Module {
 public:
  virtual ~Module() = default;
  /// Lists the members; see FieldVisitor.
  virtual void fields(FieldVisitor&) {}
  /// The class's name without its namespaces.
  std::string type_name() const;
  /// Settings that the parameters' shapes do not tell, such as "p=0.5", for operator<<.
  virtual std::string details() const { return {}; }

  /// Whether weight decay passes over all parameters in here, as it does over those of normalization layers;
  /// see split_for_weight_decay.
  virtual bool skips_weight_decay() const { return false; }

  /// Training mode, in which a module starts; only layers that behave differently look at it. The two verbs
  /// set the flag here and in all modules inside, and nothing else: freezing is set_requires_grad(false).
  bool is_training() const { return training_; }
  void train(bool on = true);
  void eval() { train(false); }

  /// This module, under "", then all inside it by dotted names, in the order of the fields.
  std::vector<std::pair<std::string, Module*>> named_modules() const;
  /// Handles to all parameters by dotted names; a shared one once, under its first name.
  std::vector<std::pair<std::string, Parameter>> named_parameters() const;
  std::vector<Parameter> parameters() const;
  /// Makes all gradients absent.
  void zero_grad() const;
  /// Whether the parameters train: false freezes them.
  void set_requires_grad(bool wanted) const;
  /// Converts every floating parameter and buffer in place, to float32 or float64. The parameters stay the
  /// ones that an optimizer holds; their gradients become absent.
  void to(DType dtype);

  /// Copies of all parameters and buffers: later training does not change them. Names are PyTorch's.
  State state(StateOptions options = {}) const;
  /// Takes the values of a state: everything, or an error that lists all missing, unexpected and misfit names
  /// and leaves the module as it was. Only `num_batches_tracked` and generators may be absent; they stay.
  /// Where not strict, so may others, and unexpected names are passed over.
  void load_state(const State& state, LoadOptions options = {});

  /// A table of all modules: path, class, shape of the output, elements of its own parameters and buffers,
  /// multiply-adds (see Layer::multiply_adds). `run` calls the module and returns what it gives. It runs in
  /// evaluation mode and changes nothing. Throws where the result depends on a parameter that is not listed.
  template <std::invocable Run>
  std::string summary(Run run) {
    return summarize(std::function<Tensor()>(std::move(run)));
  }
  /// Fails where y depends on a leaf that is not among the parameters, nor is it x: a field that fields()
  /// forgets neither trains nor gets saved.
  void check_lists_parameters_of(const Tensor& y, const Tensor& x = {}) const;

  /// The modules inside, indented by depth, with their details and the shapes of their parameters.
  friend std::ostream& operator<<(std::ostream& os, const Module& module);

 protected:
  Module() = default;
  Module(Module&&) = default;

 private:
  FieldVisitor visit() const;
  std::string summarize(const std::function<Tensor()>& run);

  bool training_ = true;
};

}  // namespace evenkeel
