#pragma once

#include <evenkeel/optim/optimizer.h>

namespace evenkeel {

/// Where weight decay acts: as a part of the gradient (Adam), or on the parameter itself (AdamW).
enum class WeightDecay : bool { in_gradient, decoupled };

/// torch.optim.Adam (Kingma and Ba 2015) and AdamW (Loshchilov and Hutter 2019). For a parameter p with
/// gradient grad at its step t = 1, 2, ...,
///
///     g = grad + weight_decay p         (maximize: -grad + ...)           Adam
///     g = grad,  p *= 1 - lr weight_decay                                 AdamW
///     m = beta1 m + (1 - beta1) g
///     v = beta2 v + (1 - beta2) g^2
///     p -= lr / (1 - beta1^t) m / (sqrt(v / (1 - beta2^t)) + eps)         (amsgrad: the largest v so far)
///
/// State of each parameter that had a gradient: step (int64), exp_avg (m), exp_avg_sq (v), with amsgrad
/// max_exp_avg_sq; all but step in the parameter's dtype.
template <WeightDecay decay>
class AdamFamily final : public Optimizer {
 public:
  struct Options {
    double lr = 1e-3;
    std::array<double, 2> betas = {0.9, 0.999};
    double eps = 1e-8, weight_decay = decay == WeightDecay::decoupled ? 1e-2 : 0;
    bool amsgrad = false, maximize = false;
  };
  /// Parameters with options of their own; what is left out is as for the whole optimizer. Betas take two
  /// pairs of braces: `.betas = {{0.9, 0.99}}`.
  struct Group {
    std::vector<Parameter> parameters = {};
    std::optional<double> lr = {};
    std::optional<std::array<double, 2>> betas = {};
    std::optional<double> eps = {}, weight_decay = {};
    std::optional<bool> amsgrad = {}, maximize = {};
  };

  /// Throws ArgumentError for a negative lr, eps or weight_decay, betas outside [0, 1), a number that is not
  /// finite, a parameter given twice, or no parameters.
  AdamFamily(const std::vector<Parameter>& parameters, const Options& options);
  AdamFamily(const std::vector<Group>& groups, const Options& options);
  explicit AdamFamily(const std::vector<Parameter>& parameters) : AdamFamily(parameters, Options()) {}
  explicit AdamFamily(const std::vector<Group>& groups) : AdamFamily(groups, Options()) {}

  /// What holds for a group; may be written between steps.
  Options& options(std::size_t group = 0);

 private:
  struct Moments {
    Array step, exp_avg, exp_avg_sq, max_exp_avg_sq;
  };

  std::vector<Optimizer::Option> options_of(std::size_t group) override;
  std::vector<Optimizer::Buffer> buffers_of(std::size_t group, std::size_t parameter) override;
  void check_ranges(std::size_t group) const override;
  void update(std::size_t group, std::size_t parameter, Array& value, const Array& grad) override;

  std::vector<Options> options_;
  std::vector<Moments> moments_;
};

using Adam = AdamFamily<WeightDecay::in_gradient>;
using AdamW = AdamFamily<WeightDecay::decoupled>;
extern template class AdamFamily<WeightDecay::in_gradient>;
extern template class AdamFamily<WeightDecay::decoupled>;

}  // namespace evenkeel
