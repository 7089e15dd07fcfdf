#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/sum_of.h>

#include <algorithm>
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
Array losses(std::string_view op, Reduction reduction, Loss loss, const Array& x, const Rest&... rest) {
  if (reduction == Reduction::none)
    return kernels::map(
        op, [loss](auto... v) { return loss(static_cast<double>(v)...); }, x, rest...);
  return dispatch_floating(x.dtype(), [&]<class T>() {
    const double sum = kernels::sum_of(x.size(), loss, x.stored<T>().data(),
                                       in_order(rest, x.order()).template stored<T>().data()...);
    const double divisor = reduction == Reduction::mean ? static_cast<double>(x.size()) : 1;
    return kernels::full({}, x.dtype(), sum / divisor);
  });
}

/// A loss of the difference d = x - target. Its derivative is factor * slope(d), on tensors.
template <class Loss, class Slope>
Tensor loss_of_difference(std::string_view op, const Tensor& x, const Tensor& target, Reduction reduction,
                          Loss loss, Slope slope, double factor) {
  check_fits(op, x, target);
  return record({
      .op = op,
      .inputs = {x, target},
      .output = losses(
          op, reduction, [loss](double v, double t) { return loss(v - t); }, x.stored(), target.stored()),
      .saved = {x, target},
      .backward = [=, scale = factor * scale_of(reduction, x.size())](const Tensor& grad, const Saved& saved,
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

void check_weight(const Tensor& x, const Tensor& weight, const char* name) {
  if (!weight.defined()) return;
  check(weight.dtype() == x.dtype(), binary_op, ": ", name, ' ', weight.dtype(), ' ', weight.shape(),
        " does not fit input ", x.dtype(), ' ', x.shape());
  check(!weight.requires_grad(), binary_op, ": ", name,
        " requires a gradient, which this op has not; use detach()");
  const Shape both = kernels::broadcast_shape(binary_op, x.stored(), weight.stored());
  check(both == x.shape(), binary_op, ": ", name, ' ', weight.shape(), " does not broadcast to input ",
        x.shape());
}

/// log sigmoid(v) = min(v, 0) - log(1 + e^-|v|), and log(1 - sigmoid(v)) is that minus v.
double binary_cross_entropy(double v, double t, double weight, double positive) {
  const double log_sigmoid = std::min(v, 0.0) - std::log1p(std::exp(-std::abs(v)));
  return weight * ((1 - t) * v - (1 + (positive - 1) * t) * log_sigmoid);
}

Array binary_cross_entropies(const Tensor& x, const Tensor& target, const BinaryCrossEntropyOptions& o) {
  if (!o.weight.defined() && !o.pos_weight.defined())
    return losses(
        binary_op, o.reduction, [](double v, double t) { return binary_cross_entropy(v, t, 1, 1); },
        x.stored(), target.stored());
  const auto order = x.stored().order();
  const auto each = [&](const Tensor& weight) {
    return weight.defined() ? kernels::expand(weight.stored(), x.shape(), order)
                            : kernels::full(x.shape(), x.dtype(), 1, order);
  };
  return losses(binary_op, o.reduction, binary_cross_entropy, x.stored(), target.stored(), each(o.weight),
                each(o.pos_weight));
}

}  // namespace

Tensor mse_loss(const Tensor& x, const Tensor& target, const LossOptions& o) {
  return loss_of_difference(
      "mse_loss", x, target, o.reduction, [](double d) { return d * d; }, [](const Tensor& d) { return d; },
      2);
}

Tensor l1_loss(const Tensor& x, const Tensor& target, const LossOptions& o) {
  return loss_of_difference(
      "l1_loss", x, target, o.reduction, [](double d) { return std::abs(d); }, sign, 1);
}

Tensor binary_cross_entropy_with_logits(const Tensor& x, const Tensor& target,
                                        const BinaryCrossEntropyOptions& o) {
  check_fits(binary_op, x, target);
  check_weight(x, o.weight, "weight");
  check_weight(x, o.pos_weight, "pos_weight");
  return record({
      .op = "binary_cross_entropy_with_logits",
      .inputs = {x, target},
      .output = binary_cross_entropies(x, target, o),
      .saved = {x, target, o.weight, o.pos_weight},
      .backward = [scale = scale_of(o.reduction, x.size())](const Tensor& grad, const Saved& saved,
                                                            const Needs& needs) -> Gradients {
        const Tensor v = saved[0], t = saved[1], weight = saved[2], positive = saved[3];
        const Tensor each = weight.defined() ? weight * (grad * scale) : grad * scale;
        const auto dx = [&] {
          if (!positive.defined()) return sigmoid(v) - t;
          return (1 + (positive - 1) * t) * sigmoid(v) - positive * t;
        };
        const auto dt = [&] {
          if (!positive.defined()) return -v;
          // softplus(-v) = -log sigmoid(v), taken as -v only where that is exact.
          return (positive - 1) * softplus(-v, {.threshold = 40}) - v;
        };
        return {needs(0) ? dx() * each : Tensor(), needs(1) ? dt() * each : Tensor()};
      },
  });
}

}  // namespace evenkeel
