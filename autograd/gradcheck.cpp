#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/random.h>

#include <cmath>
#include <ostream>

namespace evenkeel {
namespace {

Tensor random_like(const Tensor& x, Rng& rng) { return randn(x.shape(), {.dtype = DType::float64}, rng); }

/// Writes one element of a leaf for as long as it lives.
class Probe {
 public:
  Probe(const Tensor& x, std::size_t at)
      : values_(x.stored()), at_(at), original_(values_.stored<double>()[at]) {}
  ~Probe() { write(original_); }
  Probe(const Probe&) = delete;
  Probe& operator=(const Probe&) = delete;
  void write(double value) { values_.mutable_stored<double>()[at_] = value; }
  double original() const { return original_; }

 private:
  Array values_;
  std::size_t at_;
  double original_;
};

}  // namespace

std::ostream& operator<<(std::ostream& os, const GradcheckReport& r) {
  return os << "input " << r.input << ", index " << r.index << ": analytic " << r.analytic << ", numeric "
            << r.numeric << ", " << r.error << " tolerances apart";
}

GradcheckReport gradcheck(const Function& f, const Tensors& inputs, GradcheckOptions options) {
  const BufferUpdates frozen(false);
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    check(inputs[k].dtype() == DType::float64, "gradcheck: expected float64 inputs, got ", inputs[k].dtype(),
          " for input ", k);
    check(inputs[k].requires_grad() && inputs[k].is_leaf(), "gradcheck: input ", k,
          " must be a leaf that requires a gradient; make it with {.requires_grad = true}");
  }
  Rng rng(0);
  const Tensor y = f(inputs), cotangent = random_like(y, rng);
  check(y.dtype() == DType::float64, "gradcheck: expected a float64 result, got ", y.dtype());
  Tensors grads(inputs.size());
  if (y.requires_grad())
    grads = gradients(y, inputs, {.cotangent = cotangent, .create_graph = options.create_graph});

  GradcheckReport worst;
  for (std::size_t k = 0; k < inputs.size(); ++k) {
    const auto analytic =
        grads[k].defined() ? in_order(grads[k].stored(), inputs[k].stored().order()) : Array();
    for (std::int64_t i = 0; i < inputs[k].size(); ++i) {
      const auto at = static_cast<std::size_t>(i);
      Probe probe(inputs[k], at);
      const auto value_at = [&](double moved) {
        const NoGrad no_grad;
        probe.write(moved);
        return sum(f(inputs) * cotangent).item();
      };
      const double x = probe.original();
      const double numeric = (value_at(x + options.eps) - value_at(x - options.eps)) / (2 * options.eps);
      const double given = analytic.defined() ? analytic.stored<double>()[at] : 0;
      const double error = std::abs(given - numeric) / (options.atol + options.rtol * std::abs(numeric));
      if (!(error <= worst.error)) worst = {error, k, i, given, numeric};
    }
  }
  return worst;
}

Function gradient_of(const Function& f) {
  return [f](const Tensors& inputs) {
    const GradMode on(true);
    Rng rng(1);
    const Tensor y = f(inputs);
    Tensor total = zeros({}, {.dtype = DType::float64});
    if (!y.requires_grad()) return total;
    // Squaring makes the cotangent vary with the inputs as well.
    for (const auto& grad : gradients(sum(y * y), inputs, {.create_graph = true}))
      if (grad.defined()) total = total + sum(grad * random_like(grad, rng));
    return total;
  };
}

GradcheckReport gradgradcheck(const Function& f, const Tensors& inputs, GradcheckOptions options) {
  options.create_graph = true;
  const auto first = gradcheck(f, inputs, options);
  return first.ok() ? gradcheck(gradient_of(f), inputs, options) : first;
}

}  // namespace evenkeel
