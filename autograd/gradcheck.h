#pragma once

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/tensor.h>

#include <functional>
#include <iosfwd>

namespace evenkeel {

using Function = std::function<Tensor(const Tensors& inputs)>;

struct GradcheckOptions {
  double eps = 1e-6;   ///< the step of the central difference
  double atol = 1e-7;  ///< with rtol: |analytic - numeric| <= atol + rtol * |numeric|
  double rtol = 1e-6;
  bool create_graph = false;  ///< check the recorded backward instead of the fast one
};

/// The worst entry.
struct GradcheckReport {
  double error = 0;        ///< in tolerances: at most 1 is right
  std::size_t input = 0;   ///< which input
  std::int64_t index = 0;  ///< which of its elements, as it is stored
  double analytic = 0, numeric = 0;

  bool ok() const { return error <= 1; }
  friend std::ostream& operator<<(std::ostream& os, const GradcheckReport& report);
};

/// Compares gradients() with central differences of <f(inputs), random cotangent>, for float64 inputs that
/// require gradients. An input may be a module's own parameter; the buffers of modules stay as they are. `f`
/// must give the same result for the same inputs. Throws ArgumentError for other inputs.
GradcheckReport gradcheck(const Function& f, const Tensors& inputs, GradcheckOptions options = {});
/// Checks the recorded backward first as a gradient and then as a function, by its own gradients.
GradcheckReport gradgradcheck(const Function& f, const Tensors& inputs, GradcheckOptions options = {});
/// The sum of f's gradients, each weighted by a fixed random tensor: a function that gradcheck can take
/// again.
Function gradient_of(const Function& f);

}  // namespace evenkeel
