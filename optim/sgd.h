#pragma once

#include <evenkeel/optim/optimizer.h>

namespace evenkeel {

/// Stochastic gradient descent, as torch.optim.SGD. For a parameter p with gradient grad,
///
///     g = grad + weight_decay p          (maximize: -grad + weight_decay p)
///     v = momentum v + (1 - dampening) g (at its first gradient: v = g)
///     p -= lr v                          (nesterov: lr (g + momentum v); without momentum: lr g)
///
/// (Sutskever et al. 2013, with lr outside the velocity.) State: momentum_buffer, the v of each parameter
/// that had a gradient, in the parameter's dtype.
class SGD final : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3, momentum = 0, dampening = 0, weight_decay = 0;
    bool nesterov = false, maximize = false;
  };
  /// Parameters with options of their own; what is left out is as for the whole optimizer.
  struct Group {
    std::vector<Parameter> parameters = {};
    std::optional<double> lr = {}, momentum = {}, dampening = {}, weight_decay = {};
    std::optional<bool> nesterov = {}, maximize = {};
  };

  /// Throws ArgumentError for a negative lr, momentum or weight_decay, a number that is not finite, nesterov
  /// without momentum or with dampening, a parameter given twice, or no parameters.
  SGD(const std::vector<Parameter>& parameters, const Options& options);
  SGD(const std::vector<Group>& groups, const Options& options);
  explicit SGD(const std::vector<Parameter>& parameters) : SGD(parameters, Options()) {}
  explicit SGD(const std::vector<Group>& groups) : SGD(groups, Options()) {}

  /// What holds for a group; may be written between steps.
  Options& options(std::size_t group = 0);

 private:
  std::vector<Option> options_of(std::size_t group) override;
  std::vector<Buffer> buffers_of(std::size_t group, std::size_t parameter) override;
  void check_ranges(std::size_t group) const override;
  void update(std::size_t group, std::size_t parameter, Array& value, const Array& grad) override;

  std::vector<Options> options_;
  std::vector<Array> velocities_;
};

}  // namespace evenkeel
