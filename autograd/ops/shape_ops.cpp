#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/moving.h>

#include <algorithm>
#include <array>
#include <ostream>
#include <span>

namespace evenkeel {
namespace {

/// The shape that `dims` means for so many elements: -1 follows from the others.
Shape inferred(const Shape& from, std::span<const std::int64_t> dims) {
  std::vector<std::int64_t> known(dims.begin(), dims.end());
  const auto open = std::ranges::find(known, -1);
  if (open == known.end()) return Shape(known);
  *open = 1;
  const auto rest = Shape(known).count();
  check(rest > 0 && from.count() % rest == 0, "reshape: ", from, " does not fit ", Shape(known),
        " times a dimension that was to be inferred (-1)");
  *open = from.count() / rest;
  return Shape(known);
}

std::size_t checked_axis(std::string_view op, std::int64_t index, std::size_t rank) {
  const auto limit = static_cast<std::int64_t>(rank);
  check(index >= -limit && index < limit, op, ": axis ", index, " is outside [", -limit, ", ", limit, ")");
  return static_cast<std::size_t>(index < 0 ? index + limit : index);
}

void check_images(std::string_view op, const Tensor& x) {
  check(x.shape().rank() == 4 || x.shape().rank() == 5, op, ": expected 4 or 5 axes, got ", x.shape());
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& shape) {
  if (x.shape() == shape) return x;
  check(x.size() == shape.count(), "reshape: ", x.shape(), " does not fit ", shape);
  return record_linear_map("reshape", x, row_major(x.stored()).relabelled(shape, MemoryOrder::row_major),
                           [](const Tensor& grad, const Shape& from) { return reshape(grad, from); });
}
Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> dims) {
  return reshape(x, inferred(x.shape(), std::span(dims.begin(), dims.size())));
}
Tensor Tensor::reshape(const Shape& shape) const { return evenkeel::reshape(*this, shape); }
Tensor Tensor::reshape(std::initializer_list<std::int64_t> dims) const {
  return evenkeel::reshape(*this, dims);
}

Tensor flatten(const Tensor& x, std::int64_t start, std::int64_t end) {
  const auto& dims = x.shape().dims();
  if (dims.empty()) return reshape(x, Shape{1});
  const auto first = checked_axis("flatten", start, dims.size()),
             last = checked_axis("flatten", end, dims.size());
  check(first <= last, "flatten: start ", start, " lies behind end ", end, " of shape ", x.shape());
  std::vector<std::int64_t> merged(dims.begin(), dims.begin() + static_cast<std::ptrdiff_t>(first));
  std::int64_t product = 1;
  for (auto axis = first; axis <= last; ++axis) product *= dims[axis];
  merged.push_back(product);
  merged.insert(merged.end(), dims.begin() + static_cast<std::ptrdiff_t>(last) + 1, dims.end());
  return reshape(x, Shape(merged));
}

Tensor permute(const Tensor& x, const std::vector<std::int64_t>& axes) {
  const auto rank = x.shape().rank();
  check(axes.size() == rank, "permute: expected ", rank, " axes for shape ", x.shape(), ", got ",
        axes.size());
  kernels::Axes order{}, back{};
  std::array<bool, Shape::max_rank> named{};
  for (std::size_t i = 0; i < rank; ++i) {
    const auto axis = checked_axis("permute", axes[i], rank);
    check(!named[axis], "permute: axis ", axis, " of shape ", x.shape(), " is named twice");
    named[axis] = true;
    order[i] = axis;
    back[axis] = i;
  }
  return record_linear_map(
      "permute", x, kernels::permute(x.stored(), order), [back, rank](const Tensor& grad, const Shape&) {
        return permute(
            grad, std::vector<std::int64_t>(back.begin(), back.begin() + static_cast<std::ptrdiff_t>(rank)));
      });
}

Tensor transpose(const Tensor& x, std::int64_t a, std::int64_t b) {
  const auto rank = x.shape().rank();
  std::vector<std::int64_t> axes(rank);
  for (std::size_t i = 0; i < rank; ++i) axes[i] = static_cast<std::int64_t>(i);
  std::swap(axes[checked_axis("transpose", a, rank)], axes[checked_axis("transpose", b, rank)]);
  return permute(x, axes);
}

Tensor squeeze(const Tensor& x, std::optional<std::int64_t> axis) {
  Shape shape = x.shape();
  if (axis) {
    const auto only = checked_axis("squeeze", *axis, shape.rank());
    if (shape[only] == 1) shape = shape.without(only);
    return reshape(x, shape);
  }
  for (auto i = shape.rank(); i-- > 0;)
    if (shape[i] == 1) shape = shape.without(i);
  return reshape(x, shape);
}

Tensor unsqueeze(const Tensor& x, std::int64_t axis) {
  return reshape(x, x.shape().inserted(checked_axis("unsqueeze", axis, x.shape().rank() + 1), 1));
}

Tensor concat(const Tensors& parts, std::int64_t along) {
  check(!parts.empty(), "concat: expected at least one tensor, got none");
  const Tensor& first = parts[0];
  const auto axis = checked_axis("concat", along, first.shape().rank());
  std::int64_t length = 0;
  for (const auto& part : parts) {
    check(part.dtype() == first.dtype() && part.shape().rank() == first.shape().rank() &&
              part.shape().with(axis, 0) == first.shape().with(axis, 0),
          "concat: ", first.dtype(), ' ', first.shape(), " does not fit ", part.dtype(), ' ', part.shape(),
          " along axis ", axis);
    length += part.shape()[axis];
  }
  Array whole = Array::uninitialized(first.shape().with(axis, length), first.dtype());
  std::int64_t begin = 0;
  for (const auto& part : parts) {
    kernels::place(whole, part.stored(), axis, begin);
    begin += part.shape()[axis];
  }
  return record({
      .op = "concat",
      .inputs = TensorList(parts),
      .output = std::move(whole),
      .backward = [axis](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        Gradients grads;
        std::int64_t at = 0;
        for (std::size_t i = 0; i < saved.inputs(); ++i) {
          const auto end = at + saved.shape(i)[axis];
          grads.push_back(
              needs(i) ? slice(grad, {.axis = static_cast<std::int64_t>(axis), .begin = at, .end = end})
                       : Tensor());
          at = end;
        }
        return grads;
      },
  });
}

Tensor stack(const Tensors& parts, std::int64_t along) {
  check(!parts.empty(), "stack: expected at least one tensor, got none");
  const auto axis = checked_axis("stack", along, parts[0].shape().rank() + 1);
  Tensors raised;
  for (const auto& part : parts) {
    check(part.dtype() == parts[0].dtype() && part.shape() == parts[0].shape(), "stack: ", parts[0].dtype(),
          ' ', parts[0].shape(), " does not fit ", part.dtype(), ' ', part.shape());
    raised.push_back(unsqueeze(part, static_cast<std::int64_t>(axis)));
  }
  return concat(raised, static_cast<std::int64_t>(axis));
}

Tensor slice(const Tensor& x, const SliceOptions& options) {
  const auto axis = checked_axis("slice", options.axis, x.shape().rank());
  const auto length = x.shape()[axis];
  const auto held = [&](std::int64_t bound) {
    return std::clamp(bound < 0 ? std::max(bound, -length) + length : bound, std::int64_t{0}, length);
  };
  const auto begin = held(options.begin), end = std::max(begin, held(options.end));
  return record_linear_map(
      "slice", x, kernels::slice(x.stored(), axis, begin, end - begin),
      [=](const Tensor& grad, const Shape& from) { return place(grad, from, axis, begin); });
}

Tensor place(const Tensor& x, const Shape& shape, std::size_t axis, std::int64_t begin) {
  check(axis < shape.rank() && x.shape().rank() == shape.rank() &&
            x.shape().with(axis, 0) == shape.with(axis, 0) && begin >= 0 &&
            begin <= shape[axis] - x.shape()[axis],
        "place: ", x.shape(), " at ", begin, " along axis ", axis, " does not fit into ", shape);
  Array whole(shape, x.dtype());
  kernels::place(whole, x.stored(), axis, begin);
  return record_linear_map("place", x, std::move(whole), [=](const Tensor& grad, const Shape& from) {
    return slice(grad, {.axis = static_cast<std::int64_t>(axis), .begin = begin, .end = begin + from[axis]});
  });
}

Tensor gather(std::string_view op, const Tensor& x, const Tensor& index) {
  return record({
      .op = op,
      .inputs = {x},
      .output = kernels::gather(x.stored(), index.stored()),
      .saved = {index},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {scatter(grad, saved[0], saved.shape(0))};
      },
  });
}

Tensor scatter(const Tensor& x, const Tensor& index, const Shape& shape) {
  check(x.shape() == index.shape(), "scatter: ", x.shape(), " does not fit an index of ", index.shape());
  return record({
      .op = "scatter",
      .inputs = {x},
      .output = kernels::scatter(x.stored(), index.stored(), shape),
      .saved = {index},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {gather("gather", grad, saved[0])};
      },
  });
}

Tensor reorder(const Tensor& x, MemoryOrder order) {
  if (x.stored().order() == order) return x;
  return record_linear_map("reorder", x, in_order(x.stored(), order),
                           [](const Tensor& grad, const Shape&) { return grad; });
}

std::ostream& operator<<(std::ostream& os, DataFormat format) {
  return os << (format == DataFormat::NCHW ? "NCHW" : "NHWC");
}

Tensor nchw_of_nhwc(const Tensor& x) {
  check_images("nchw_of_nhwc", x);
  const Shape last = x.shape(), shape = last.without(last.rank() - 1).inserted(1, last[last.rank() - 1]);
  return record_linear_map("nchw_of_nhwc", x,
                           row_major(x.stored()).relabelled(shape, MemoryOrder::channels_last),
                           [](const Tensor& grad, const Shape&) { return nhwc_of_nchw(grad); });
}
Tensor nhwc_of_nchw(const Tensor& x) {
  check_images("nhwc_of_nchw", x);
  const Array last = in_order(x.stored(), MemoryOrder::channels_last);
  return record_linear_map(
      "nhwc_of_nchw", x,
      last.relabelled(stored_shape(x.shape(), MemoryOrder::channels_last), MemoryOrder::row_major),
      [](const Tensor& grad, const Shape&) { return nchw_of_nhwc(grad); });
}

}  // namespace evenkeel
