#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>

#include <cmath>
#include <limits>

namespace evenkeel {

Tensor exp(const Tensor& x) {
  return record({
      .op = "exp",
      .inputs = {x},
      .output = kernels::map(
          "exp", [](auto v) { return std::exp(v); }, x.stored()),
      .save_output = true,
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {grad * saved.output()};
      },
  });
}

Tensor log(const Tensor& x) {
  return record({
      .op = "log",
      .inputs = {x},
      .output = kernels::map(
          "log", [](auto v) { return std::log(v); }, x.stored()),
      .saved = {x},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {grad / saved[0]};
      },
  });
}

Tensor sqrt(const Tensor& x) {
  return record({
      .op = "sqrt",
      .inputs = {x},
      .output = kernels::map(
          "sqrt", [](auto v) { return std::sqrt(v); }, x.stored()),
      .save_output = true,
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {grad / (saved.output() * 2)};
      },
  });
}

Tensor abs(const Tensor& x) {
  return record({
      .op = "abs",
      .inputs = {x},
      .output = kernels::map(
          "abs", [](auto v) { return std::abs(v); }, x.stored()),
      .saved = {x},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        const auto sign = [](auto v) { return v > 0 ? decltype(v)(1) : v < 0 ? decltype(v)(-1) : v; };
        return {grad * constant(kernels::map("abs", sign, saved[0].stored()))};
      },
  });
}

Tensor clamp(const Tensor& x, const ClampOptions& options) {
  check(options.min || options.max, "clamp: expected min, max, or both, got neither");
  constexpr double infinity = std::numeric_limits<double>::infinity();
  const double min = options.min.value_or(-infinity), max = options.max.value_or(infinity);
  const auto held = [=](auto v) {
    using T = decltype(v);
    const T raised = v < static_cast<T>(min) ? static_cast<T>(min) : v;
    return raised > static_cast<T>(max) ? static_cast<T>(max) : raised;
  };
  return record({
      .op = "clamp",
      .inputs = {x},
      .output = kernels::map("clamp", held, x.stored()),
      .saved = {x},
      .backward = [=](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        const auto is_inside = [=](auto v) {
          using T = decltype(v);
          return T(v >= static_cast<T>(min) && v <= static_cast<T>(max));
        };
        const Array inside = kernels::cast(kernels::map("clamp", is_inside, saved[0].stored()), DType::uint8);
        return {where(constant(inside), grad, constant(kernels::full({}, grad.dtype(), 0)))};
      },
  });
}

}  // namespace evenkeel
