#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/cross_entropy.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/lines.h>
#include <evenkeel/core/kernels/reduce.h>

namespace evenkeel {
namespace {

/// cross_entropy and nll_loss but their tensors; what a backward captures.
struct ClassLoss {
  std::int64_t ignore_index;
  double label_smoothing;
  Reduction reduction;
  bool scores_are_logs;
  std::size_t axis = 0;  // of the classes
  double scale = 1;      // of every row's loss, when they are summed up

  bool reduces() const { return reduction != Reduction::none; }
  kernels::ClassTargets targets(const Tensor& target, const Tensor& weight) const {
    return {is_floating(target.dtype()) ? kernels::lines_along(target.stored(), axis)
                                        : target.value().relabelled({target.size()}, MemoryOrder::row_major),
            weight.defined() ? weight.value() : Array(), ignore_index, label_smoothing, scores_are_logs};
  }
};

void check_fits(std::string_view op, const Tensor& x, const Tensor& target, const Tensor& weight,
                const ClassLoss& how) {
  kernels::check_floating(op, x.stored());
  const Shape& shape = x.shape();
  check(shape.rank() > 0, op, ": expected scores [C], [N, C] or [N, C, ...], got a scalar");
  const auto classes = shape[how.axis];
  if (target.shape() == shape && !how.scores_are_logs) {
    check(target.dtype() == x.dtype(), op, ": expected probabilities of ", x.dtype(),
          " as a target of shape ", shape, ", got ", target.dtype(),
          "; class indices have no axis of classes");
    check(how.ignore_index < 0, op, ": ignore_index ", how.ignore_index,
          " is not supported for a target of probabilities");
  } else {
    const Shape expected = shape.without(how.axis);
    check(target.shape() == expected, op, ": target ", target.shape(), " does not fit scores ", shape,
          "; expected class indices ", expected,
          how.scores_are_logs ? "" : " or probabilities of their shape");
    check(target.dtype() == DType::int64, op, ": expected int64 class indices, got ", target.dtype(), ' ',
          target.shape());
  }
  check(how.label_smoothing >= 0 && how.label_smoothing <= 1, op,
        ": label_smoothing must be between 0 and 1, got ", how.label_smoothing);
  if (!weight.defined()) return;
  check(weight.shape() == Shape{classes} && weight.dtype() == x.dtype(), op, ": weight ", weight.dtype(), ' ',
        weight.shape(), " does not fit scores ", x.dtype(), ' ', shape, "; expected ", Shape{classes});
  check(!weight.requires_grad(), op, ": weight requires a gradient, which this op has not; use detach()");
}

/// The sum of the weights of all targets, each of which is found to be a class or ignored.
double weight_of_targets(std::string_view op, const kernels::ClassTargets& given, std::int64_t classes) {
  double total = 0;
  const auto targets = given.target.data<std::int64_t>();
  const auto add = [&](auto weight_of) {
    for (std::size_t row = 0; row < targets.size(); ++row) {
      const auto target = targets[row];
      if (target == given.ignore_index) continue;
      check(target >= 0 && target < classes, op, ": Target ", target, " is out of bounds (element ", row,
            "); expected a class in [0, ", classes, ") or ignore_index ", given.ignore_index);
      total += weight_of(static_cast<std::size_t>(target));
    }
  };
  if (given.weight.defined())
    dispatch_floating(given.weight.dtype(), [&]<class T>() {
      add([weights = given.weight.data<T>()](std::size_t c) { return static_cast<double>(weights[c]); });
    });
  else
    add([](std::size_t) { return 1.0; });
  return total;
}

Gradients backward_of(const Tensor& grad, const Saved& saved, const ClassLoss& how) {
  const Tensor x = saved[0];
  const Array dx = kernels::cross_entropy_backward(row_major(grad.stored()), how.scale,
                                                   kernels::lines_along(x.stored(), how.axis),
                                                   saved[2].stored(), how.targets(saved[1], saved[3]));
  return {constant(kernels::array_of_lines(dx, x.shape(), how.axis, x.stored().order())), Tensor()};
}

/// The same on tensors, and the gradient of probabilities: slower, but differentiable to any order.
Gradients recorded_backward_of(const Tensor& grad, const Saved& saved, const Needs& needs,
                               const ClassLoss& how) {
  const Tensor x = saved[0], target = saved[1];
  const Shape& shape = x.shape();
  const auto classes = shape[how.axis];
  const Tensor each = how.reduces() ? grad * how.scale : unsqueeze(grad, static_cast<int>(how.axis));
  const double kept = 1 - how.label_smoothing;
  const auto weighted = [&](const Tensor& v) {
    const Shape along = Shape().padded(shape.rank()).with(how.axis, classes);
    return saved[3].defined() ? v * reshape(saved[3], along) : v;
  };
  const auto shares = [&] {
    if (is_floating(target.dtype()))
      return weighted(target * kept + how.label_smoothing / static_cast<double>(classes));
    const Array rows = kernels::class_shares({shape.without(how.axis).count(), classes}, x.dtype(),
                                             how.targets(target, saved[3]));
    return constant(kernels::array_of_lines(rows, shape, how.axis, x.stored().order()));
  };
  const auto dx = [&] {
    const Tensor q = shares();
    if (how.scores_are_logs) return -(each * q);
    const Tensor total = sum_to(q, shape.with(how.axis, 1));
    return each * (total * softmax(x, static_cast<int>(how.axis)) - q);
  };
  const auto dtarget = [&] { return each * weighted(log_softmax(x, static_cast<int>(how.axis)) * -kept); };
  return {needs(0) ? dx() : Tensor(), needs(1) ? dtarget() : Tensor()};
}

/// The sum in double of float64 losses, or they themselves.
Array reduced(const Array& losses, const Shape& shape, DType dtype, const ClassLoss& how, double divisor) {
  if (!how.reduces())
    return kernels::cast(losses, dtype).relabelled(shape.without(how.axis), MemoryOrder::row_major);
  const double sum = kernels::group_sum(losses, {}).data<double>()[0];
  return kernels::full({}, dtype, how.reduction == Reduction::mean ? sum / divisor : sum);
}

Tensor class_loss(std::string_view op, const Tensor& x, const Tensor& target, const Tensor& weight,
                  ClassLoss how) {
  how.axis = x.shape().rank() == 1 ? 0 : 1;
  check_fits(op, x, target, weight, how);
  const kernels::ClassTargets targets = how.targets(target, weight);
  const auto classes = x.shape()[how.axis];
  const double divisor = is_floating(target.dtype())
                             ? static_cast<double>(x.shape().without(how.axis).count())
                             : weight_of_targets(op, targets, classes);
  // Where nothing counts there is no gradient either, as in PyTorch.
  if (how.reduction == Reduction::mean) how.scale = divisor == 0 ? 0 : 1 / divisor;
  const auto [losses, log_sums] = kernels::cross_entropy(kernels::lines_along(x.stored(), how.axis), targets);
  return record({
      .op = op,
      .inputs = {x, target},
      .output = reduced(losses, x.shape(), x.dtype(), how, divisor),
      .saved = {x, target, constant(log_sums), weight},
      .backward = [how](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        if (GradMode::on || needs(1)) return recorded_backward_of(grad, saved, needs, how);
        return backward_of(grad, saved, how);
      },
  });
}

}  // namespace

Tensor cross_entropy(const Tensor& scores, const Tensor& target, const CrossEntropyOptions& o) {
  return class_loss("cross_entropy", scores, target, o.weight,
                    {o.ignore_index, o.label_smoothing, o.reduction, false});
}

Tensor nll_loss(const Tensor& x, const Tensor& target, const NllLossOptions& o) {
  return class_loss("nll_loss", x, target, o.weight, {o.ignore_index, 0, o.reduction, true});
}

}  // namespace evenkeel
