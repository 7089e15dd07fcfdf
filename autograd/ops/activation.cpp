#include <evenkeel/autograd/access.h>
#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/comparison.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/kernels/activation.h>
#include <evenkeel/core/kernels/elementwise.h>

#include <cmath>
#include <numbers>

namespace evenkeel {
namespace {

/// grad * derivative(value) for a value that was saved: by the kernel, unless the backward is itself
/// recorded; then in double, since formulas of many steps cancel.
template <class Kernel, class Derivative>
Gradients times_derivative(Kernel kernel, const Tensor& grad, const Tensor& value, Derivative derivative) {
  if (!GradMode::on) return {constant(kernel(grad.stored(), value.stored()))};
  return {to(to(grad, DType::float64) * derivative(to(value, DType::float64)), grad.dtype())};
}

constexpr auto rectified = [](auto v) { return v <= 0 ? decltype(v)(0) : v; };
/// g where a relu with the result y lets it through.
constexpr auto let_through = [](auto g, auto y) { return y <= 0 ? decltype(g)(0) : g; };

/// Linear in grad, and its own adjoint.
Tensor relu_gradient(const Tensor& grad, const Array& y) {
  return record({
      .op = "relu",
      .inputs = {grad},
      .output = kernels::map("relu", let_through, in_order(grad.stored(), y.order()), y),
      .saved = {constant(y)},
      .backward = [](const Tensor& g, const Saved& saved, const Needs&) -> Gradients {
        return {relu_gradient(g, saved[0].stored())};
      },
  });
}

Tensor leaky_relu_gradient(const Tensor& grad, const Array& x, double slope) {
  const auto scaled = [slope](auto v, auto g) { return v > 0 ? g : g * static_cast<decltype(g)>(slope); };
  return record({
      .op = "leaky_relu",
      .inputs = {grad},
      .output = kernels::map("leaky_relu", scaled, x, grad.stored()),
      .saved = {constant(x)},
      .backward = [slope](const Tensor& g, const Saved& saved, const Needs&) -> Gradients {
        return {leaky_relu_gradient(g, saved[0].stored(), slope)};
      },
  });
}

Tensor record_relu(const Tensor& x, Array y) {
  return record({
      .op = "relu",
      .inputs = {x},
      .output = std::move(y),
      .save_output = true,
      .backward = [](Tensor&& grad, const Saved& saved, const Needs&) -> Gradients {
        const Tensor result = saved.output();
        const auto write = [&](Array& g) { kernels::map_in_place(let_through, g, result.stored()); };
        const bool same_order = grad.stored().order() == result.stored().order();
        if (!GradMode::on && same_order && TensorAccess::overwrite(grad, write)) return {std::move(grad)};
        return {relu_gradient(grad, result.stored())};
      },
  });
}

/// The standard normal distribution and its density.
Tensor normal_density(const Tensor& x) {
  return exp(x * x * -0.5) * (std::numbers::inv_sqrtpi / std::numbers::sqrt2);
}
Tensor normal_distribution(const Tensor& x) {
  const auto value = [](auto v) {
    return std::erfc(v * static_cast<decltype(v)>(-std::numbers::sqrt2 / 2)) / 2;
  };
  return record({
      .op = "gelu",
      .inputs = {x},
      .output = kernels::map("gelu", value, x.stored()),
      .saved = {x},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {grad * normal_density(saved[0])};
      },
  });
}

Tensor exact_gelu(const Tensor& x) {
  return record({
      .op = "gelu",
      .inputs = {x},
      .output = kernels::gelu(x.stored()),
      .saved = {x},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return times_derivative(kernels::gelu_backward, grad, saved[0], [](const Tensor& v) {
          return normal_distribution(v) + v * normal_density(v);
        });
      },
  });
}

Tensor approximate_gelu(const Tensor& x) {
  return record({
      .op = "gelu",
      .inputs = {x},
      .output = kernels::gelu_tanh(x.stored()),
      .saved = {x},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return times_derivative(kernels::gelu_tanh_backward, grad, saved[0], [](const Tensor& v) {
          constexpr double scale = std::numbers::sqrt2 * std::numbers::inv_sqrtpi, cubic = 0.044715;
          const Tensor t = tanh(v * (1 + v * v * cubic) * scale);
          return (1 + t) / 2 + v * (1 - t * t) * (1 + v * v * (3 * cubic)) * (scale / 2);
        });
      },
  });
}

}  // namespace

Tensor relu(const Tensor& x) { return record_relu(x, kernels::map("relu", rectified, x.stored())); }
Tensor relu(Tensor&& given) {
  kernels::check_floating("relu", given.stored());
  const Tensor x = std::move(given);  // ends here, so that its memory is the result's alone
  const auto write = [](Array& value) { kernels::map_in_place(rectified, value); };
  return TensorAccess::overwrite(x, write) ? record_relu(x, x.stored()) : relu(x);
}

Tensor leaky_relu(const Tensor& x, const LeakyReluOptions& o) {
  const auto bent = [slope = o.negative_slope](auto v) {
    return v > 0 ? v : v * static_cast<decltype(v)>(slope);
  };
  return record({
      .op = "leaky_relu",
      .inputs = {x},
      .output = kernels::map("leaky_relu", bent, x.stored()),
      .saved = {x},
      .backward = [slope = o.negative_slope](const Tensor& grad, const Saved& saved, const Needs&)
          -> Gradients { return {leaky_relu_gradient(grad, saved[0].stored(), slope)}; },
  });
}

Tensor sigmoid(const Tensor& x) {
  return record({
      .op = "sigmoid",
      .inputs = {x},
      .output = kernels::sigmoid(x.stored()),
      .save_output = true,
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return times_derivative(kernels::sigmoid_backward, grad, saved.output(),
                                [](const Tensor& y) { return y * (1 - y); });
      },
  });
}

Tensor tanh(const Tensor& x) {
  return record({
      .op = "tanh",
      .inputs = {x},
      .output = kernels::tanh(x.stored()),
      .save_output = true,
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return times_derivative(kernels::tanh_backward, grad, saved.output(),
                                [](const Tensor& y) { return 1 - y * y; });
      },
  });
}

Tensor silu(const Tensor& x) {
  return record({
      .op = "silu",
      .inputs = {x},
      .output = kernels::silu(x.stored()),
      .saved = {x},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return times_derivative(kernels::silu_backward, grad, saved[0], [](const Tensor& v) {
          const Tensor s = sigmoid(v);
          return s * (1 + v * (1 - s));
        });
      },
  });
}

Tensor softplus(const Tensor& x, const SoftplusOptions& o) {
  return record({
      .op = "softplus",
      .inputs = {x},
      .output = kernels::softplus(x.stored(), o.beta, o.threshold),
      .saved = {x},
      .backward = [o](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        const Tensor at = saved[0];
        if (!GradMode::on)
          return {constant(kernels::softplus_backward(grad.stored(), at.stored(), o.beta, o.threshold))};
        const Tensor scaled = at * o.beta;
        return {where(scaled > o.threshold, grad, grad * sigmoid(scaled))};
      },
  });
}

Tensor gelu(const Tensor& x, const GeluOptions& o) {
  return o.approximate == Gelu::none ? exact_gelu(x) : approximate_gelu(x);
}

}  // namespace evenkeel
