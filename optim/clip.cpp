#include <evenkeel/autograd/access.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/power_sum.h>
#include <evenkeel/optim/clip.h>

#include <cmath>
#include <set>

namespace evenkeel {
namespace {

/// Those that have a gradient, each once.
std::vector<Parameter> with_gradient(const std::vector<Parameter>& parameters) {
  std::vector<Parameter> found;
  std::set<const Node*> seen;
  for (const auto& parameter : parameters)
    if (parameter.has_grad() && seen.insert(parameter.node().get()).second) found.push_back(parameter);
  return found;
}

/// Gives a parameter another gradient: in place, but for one whose memory others see (as after create_graph).
void replace_gradient(const Parameter& parameter, Array values) {
  const Tensor grad = parameter.grad();
  Array& own = TensorAccess::impl(grad)->value;
  if (!grad.node() && own.is_only_owner())
    own.assign(values);
  else
    TensorAccess::impl(parameter)->grad = constant(std::move(values));
}

double norm_of(const std::vector<Parameter>& parameters, double p) {
  double total = 0;
  for (const auto& parameter : parameters) {
    const double part = kernels::power_sum(row_major(parameter.grad().stored()), p);
    if (std::isinf(p))
      total = total > part || std::isnan(total) ? total : part;
    else
      total += part;
  }
  return std::isinf(p) ? total : p == 2 ? std::sqrt(total) : std::pow(total, 1 / p);
}

}  // namespace

double clip_grad_norm(const std::vector<Parameter>& parameters, const ClipGradNormOptions& options) {
  check(options.max_norm >= 0, "clip_grad_norm: max_norm is ", options.max_norm.value,
        ", expected at least 0");
  check(options.norm_type > 0, "clip_grad_norm: norm_type is ", options.norm_type, ", expected above 0");
  const auto clipped = with_gradient(parameters);
  const double norm = norm_of(clipped, options.norm_type);
  check(!options.error_if_nonfinite || std::isfinite(norm), "clip_grad_norm: the norm of the gradients is ",
        norm, ", nothing was clipped; expected a finite number");
  const double factor = options.max_norm / (norm + 1e-6);  // NaN for a norm of NaN
  if (factor >= 1 || std::isinf(options.max_norm)) return norm;
  for (const auto& parameter : clipped)
    replace_gradient(parameter,
                     kernels::map(
                         "clip_grad_norm", [=](auto g) { return g * static_cast<decltype(g)>(factor); },
                         parameter.grad().stored()));
  return norm;
}

void clip_grad_value(const std::vector<Parameter>& parameters, double clip_value) {
  check(clip_value >= 0, "clip_grad_value: clip_value is ", clip_value, ", expected at least 0");
  const auto clip = [=](auto g) {
    const auto limit = static_cast<decltype(g)>(clip_value);
    return g < -limit ? -limit : g > limit ? limit : g;
  };
  for (const auto& parameter : with_gradient(parameters))
    replace_gradient(parameter, kernels::map("clip_grad_value", clip, parameter.grad().stored()));
}

}  // namespace evenkeel
