#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/reduce.h>

#include <cmath>

namespace evenkeel {
namespace {

void check_fits(std::string_view op, const Tensor& x, const Tensor& target) {
  kernels::check_floating(op, x.stored());
  check(target.shape() == x.shape() && target.dtype() == x.dtype(), op, ": target ", target.dtype(), ' ',
        target.shape(), " does not fit input ", x.dtype(), ' ', x.shape(), "; expected the same");
}

/// What a sum of the losses of so many elements is multiplied by.
double scale_of(Reduction reduction, std::int64_t size) {
  return reduction == Reduction::mean ? 1 / static_cast<double>(size) : 1;
}

/// loss(x, rest...) of every element in double, and what becomes of all of them.
template <class Loss, class... Rest>
Array losses(std::string_view op, Reduction reduction, Loss loss, const Tensor& x, const Rest&... rest) {
  const Array each = kernels::map(op, loss, kernels::cast(x.stored(), DType::float64),
                                  kernels::cast(rest, DType::float64)...);
  if (reduction == Reduction::none) return kernels::cast(each, x.dtype());
  const double sum = kernels::group_sum(each, {}).template data<double>()[0];
  return kernels::full({}, x.dtype(),
                       reduction == Reduction::mean ? sum / static_cast<double>(x.size()) : sum);
}

/// A loss of the difference d = x - target: slope(d) is its derivative, on tensors.
template <class Loss, class Slope>
Tensor loss_of_difference(std::string_view op, const Tensor& x, const Tensor& target, Reduction reduction,
                          Loss loss, Slope slope) {
  check_fits(op, x, target);
  return record({
      .op = op,
      .inputs = {x, target},
      .output = losses(
          op, reduction, [loss](double v, double t) { return loss(v - t); }, x, target.stored()),
      .saved = {x, target},
      .backward = [=, scale = scale_of(reduction, x.size())](const Tensor& grad, const Saved& saved,
                                                             const Needs& needs) -> Gradients {
        const Tensor dx = slope(saved[0] - saved[1]) * (grad * scale);
        return {needs(0) ? dx : Tensor(), needs(1) ? -dx : Tensor()};
      },
  });
}

Tensor sign(const Tensor& x) {
  const auto of = [](auto v) { return static_cast<decltype(v)>((v > 0) - (v < 0)); };
  return constant(kernels::map("l1_loss", of, x.stored()));
}

constexpr std::string_view binary_op = "binary_cross_entropy_with_logits";

/// A weight as an array of x's shape.
Array weight_for(const Tensor& x, const Tensor& weight, const char* name) {
  if (!weight.defined()) return kernels::full(x.shape(), x.dtype(), 1, x.stored().order());
  check(weight.dtype() == x.dtype(), binary_op, ": ", name, ' ', weight.dtype(), ' ', weight.shape(),
        " does not fit input ", x.dtype(), ' ', x.shape());
  check(!weight.requires_grad(), binary_op, ": ", name,
        " requires a gradient, which this op has not; use detach()");
  const Shape both = kernels::broadcast_shape(binary_op, x.stored(), weight.stored());
  check(both == x.shape(), binary_op, ": ", name, ' ', weight.shape(), " does not broadcast to input ",
        x.shape());
  return kernels::expand(weight.stored(), x.shape(), x.stored().order());
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& o) {
  return loss_of_difference(
      "mse_loss", x, target, o.reduction, [](double d) { return d * d; },
      [](const Tensor& d) { return d * 2; });
}

Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& o) {
  return loss_of_difference(
      "l1_loss", x, target, o.reduction, [](double d) { return std::abs(d); }, sign);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyOptions& o) {
  check_fits(binary_op, x, target);
  const Array weight = weight_for(x, o.weight, "weight"),
              positive = weight_for(x, o.pos_weight, "pos_weight");
  // log sigmoid(x) = min(x, 0) - log(1 + e^-|x|), and log(1 - sigmoid(x)) is that minus x.
  const auto loss = [](double v, double t, double w, double p) {
    const double log_sigmoid = std::min(v, 0.0) - std::log1p(std::exp(-std::abs(v)));
    return w * ((1 - t) * v - (1 + (p - 1) * t) * log_sigmoid);
  };
  return record({
      .op = "binary_cross_entropy_with_logits",
      .inputs = {x, target},
      .output = losses(binary_op, o.reduction, loss, x, target.stored(), weight, positive),
      .saved = {x, target, constant(weight), constant(positive)},
      .backward = [scale = scale_of(o.reduction, x.size())](const Tensor& grad, const Saved& saved,
                                                            const Needs& needs) -> Gradients {
        const Tensor v = saved[0], t = saved[1], p = saved[3], each = saved[2] * (grad * scale);
        const auto dx = [&] { return each * ((1 + (p - 1) * t) * sigmoid(v) - p * t); };
        // softplus(-v) = -log sigmoid(v), taken as -v only where that is exact.
        const auto dt = [&] { return each * ((p - 1) * softplus(-v, {.threshold = 40}) - v); };
        return {needs(0) ? dx() : Tensor(), needs(1) ? dt() : Tensor()};
      },
  });
}

}  // namespace evenkeel
