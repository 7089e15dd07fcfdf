#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/reduce.h>

#include <algorithm>
#include <array>

namespace evenkeel {
namespace {

/// What a reduction makes of a shape.
struct ReducedShape {
  Shape kept;              ///< reduced axes are 1
  Shape result;            ///< reduced axes are gone, unless keepdim
  std::int64_t count = 1;  ///< elements that become one

  ReducedShape(std::string_view op, const Shape& shape, const std::vector<std::int64_t>& axes, bool keepdim) {
    std::array<bool, Shape::max_rank> reduced{};
    if (axes.empty()) reduced.fill(true);
    for (const auto index : axes) {
      if (shape.rank() == 0 && (index == 0 || index == -1))
        continue;  // as in PyTorch, a scalar has such an axis
      const auto axis = shape.axis(index);
      check(!reduced[axis], op, ": axis ", axis, " of shape ", shape, " is named twice");
      reduced[axis] = true;
    }
    kept = result = shape;
    for (std::size_t axis = shape.rank(); axis-- > 0;) {
      if (!reduced[axis]) continue;
      count *= shape[axis];
      kept = kept.with(axis, 1);
      result = keepdim ? result.with(axis, 1) : result.without(axis);
    }
  }
};

/// One op over the whole: the output has the kept shape, and is relabelled to the result.
Tensor shaped(const Tensor& y, const ReducedShape& how) { return reshape(y, how.result); }

Tensor extreme(std::string_view op, const Tensor& x, const ReduceOptions& options, kernels::Extreme which) {
  const ReducedShape how(op, x.shape(), options.axes, options.keepdim);
  check(how.count > 0, op, ": expected at least one element to choose from, got input ", x.shape());
  const Tensor y = record({
      .op = op,
      .inputs = {x},
      .output = kernels::extreme_to(x.stored(), how.kept, which),
      .saved = {x},
      .save_output = true,
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        const Array values = saved[0].stored(), chosen = saved.output().stored();
        const auto is_chosen = [](auto v, auto best) { return v == best || (v != v && best != best); };
        const Array mask = kernels::zip_any<std::uint8_t>("max", is_chosen, values, chosen);
        const Array ties = kernels::cast(kernels::sum_to(mask, chosen.shape()), grad.dtype());
        const Tensor each = expand(grad / constant(ties), saved.shape(0), values.order());
        return {where(constant(mask), each, constant(kernels::full({}, grad.dtype(), 0)))};
      },
  });
  return shaped(y, how);
}

Tensor arg_extreme(std::string_view op, const Tensor& x, std::optional<std::int64_t> axis, bool keepdim,
                   kernels::Extreme which) {
  const bool along_one = axis && x.shape().rank() > 0;
  const Tensor flat = along_one ? x : reshape(x.detach(), {x.size()});
  const auto along = flat.shape().axis(axis.value_or(0));
  check(flat.shape()[along] > 0, op, ": expected at least one element to choose from, got input ", x.shape());
  const Array indices = kernels::arg_extreme(flat.stored(), along, which);
  if (!keepdim) return constant(indices);
  const Shape kept = along_one ? x.shape().with(along, 1) : Shape().padded(x.shape().rank());
  return constant(indices.relabelled(kept, MemoryOrder::row_major));
}

}  // namespace

Tensor sum_to(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape && is_floating(x.dtype())) return x;
  const auto is_kept_or_summed = [&](std::size_t axis) {  // counted from the last
    const auto dim = shape[shape.rank() - axis];
    return dim == 1 || dim == x.shape()[x.shape().rank() - axis];
  };
  bool fits = shape.rank() <= x.shape().rank();
  for (std::size_t axis = 1; fits && axis <= shape.rank(); ++axis) fits = is_kept_or_summed(axis);
  check(fits, "sum_to: ", x.shape(), " cannot be summed to ", shape, "; expected the same axes, or 1");
  return record_linear_map("sum", x, kernels::sum_to(x.stored(), shape),
                           [order = x.stored().order()](const Tensor& grad, const Shape& from) {
                             return expand(grad, from, order);
                           });
}

Tensor expand(const Tensor& x, const Shape& shape, MemoryOrder order) {
  if (x.shape() == shape && x.stored().order() == order) return x;
  return record_linear_map("expand", x, kernels::expand(x.stored(), shape, order),
                           [](const Tensor& grad, const Shape& from) { return sum_to(grad, from); });
}

Tensor group_sum(const Tensor& x, const Groups& groups, MemoryOrder order) {
  check_groups("group_sum", groups, x.size());
  return record_linear_map(
      "group_sum", x, kernels::group_sum(in_order(x.stored(), order), groups),
      [=](const Tensor& grad, const Shape& from) { return spread(grad, groups, from, order); });
}

Tensor spread(const Tensor& x, const Groups& groups, const Shape& shape, MemoryOrder order) {
  check_groups("spread", groups, shape.count());
  return record_linear_map("spread", x, kernels::spread(x.stored(), groups, shape, order),
                           [=](const Tensor& grad, const Shape&) { return group_sum(grad, groups, order); });
}

Tensor sum(const Tensor& x, const ReduceOptions& options) {
  const ReducedShape how("sum", x.shape(), options.axes, options.keepdim);
  if (how.result.rank() == 0 && is_floating(x.dtype())) return sum_to(x, {});
  return shaped(sum_to(x, how.kept), how);
}

Tensor mean(const Tensor& x, const ReduceOptions& options) {
  kernels::check_floating("mean", x.stored());
  const ReducedShape how("mean", x.shape(), options.axes, options.keepdim);
  const double count = static_cast<double>(how.count);
  // The sum in double and one rounding: the same as dividing the rounded sum only where the sum is exact.
  const Array total = kernels::sum_to(kernels::cast(x.stored(), DType::float64), how.kept);
  const Array output = kernels::cast(kernels::map(
                                         "mean", [=](auto v) { return v / count; }, total),
                                     x.dtype());
  const Tensor y = record_linear_map("mean", x, output,
                                     [=, order = x.stored().order()](const Tensor& grad, const Shape& from) {
                                       return expand(grad / count, from, order);
                                     });
  return shaped(y, how);
}

Tensor var(const Tensor& x, const VarOptions& options) {
  kernels::check_floating("var", x.stored());
  const ReducedShape how("var", x.shape(), options.axes, options.keepdim);
  const double divisor = std::max(0.0, static_cast<double>(how.count) - options.correction);
  // Two passes in double: the variance of float32 data far from 0 loses nothing.
  const auto in_double = [&] {
    const Array values = kernels::cast(x.stored(), DType::float64);
    const double count = static_cast<double>(how.count);
    const Array mean = kernels::map(
        "var", [=](auto v) { return v / count; }, kernels::sum_to(values, how.kept));
    const Array squares = kernels::zip_any(
        "var", [](auto v, auto m) { return (v - m) * (v - m); }, values, mean);
    return kernels::map(
        "var", [=](auto v) { return v / divisor; }, kernels::sum_to(squares, how.kept));
  };
  const Tensor y = record({
      .op = "var",
      .inputs = {x},
      .output = kernels::cast(in_double(), x.dtype()),
      .saved = {x},
      .backward = [divisor](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        const Tensor values = saved[0];
        const double count = static_cast<double>(values.size()) / static_cast<double>(grad.size());
        const Tensor centred = values - sum_to(values, grad.shape()) / count;
        return {centred * (grad * (2 / divisor))};
      },
  });
  return shaped(y, how);
}

Tensor max(const Tensor& x, const ReduceOptions& options) {
  return extreme("max", x, options, kernels::Extreme::max);
}
Tensor min(const Tensor& x, const ReduceOptions& options) {
  return extreme("min", x, options, kernels::Extreme::min);
}
Tensor argmax(const Tensor& x, std::optional<std::int64_t> axis, bool keepdim) {
  return arg_extreme("argmax", x, axis, keepdim, kernels::Extreme::max);
}
Tensor argmin(const Tensor& x, std::optional<std::int64_t> axis, bool keepdim) {
  return arg_extreme("argmin", x, axis, keepdim, kernels::Extreme::min);
}

}  // namespace evenkeel
