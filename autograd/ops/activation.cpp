#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/kernels/elementwise.h>

namespace evenkeel {
namespace {

/// grad where a relu with the result y lets it through: linear in grad, and its own adjoint.
Tensor relu_gradient(const Tensor& grad, const Array& y) {
  return record({
      .op = "relu",
      .inputs = {grad},
      .output = kernels::map(
          "relu", [](auto result, auto g) { return result <= 0 ? decltype(g)(0) : g; }, y, grad.stored()),
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

}  // namespace

Tensor relu(const Tensor& x) {
  return record({
      .op = "relu",
      .inputs = {x},
      .output = kernels::map(
          "relu", [](auto v) { return v <= 0 ? decltype(v)(0) : v; }, x.stored()),
      .save_output = true,
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {relu_gradient(grad, saved.output().stored())};
      },
  });
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

}  // namespace evenkeel
