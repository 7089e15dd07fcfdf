#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/lines.h>
#include <evenkeel/core/kernels/softmax.h>

namespace evenkeel {
namespace {

/// A kernel for rows of matrices, along an axis of arrays of one shape; the result is stored like `model`.
template <class Kernel, class... Arrays>
Array along(std::size_t axis, const Array& model, Kernel kernel, const Arrays&... arrays) {
  return kernels::array_of_lines(kernel(kernels::lines_along(arrays, axis)...), model.shape(), axis,
                                 model.order());
}

Tensor sum_along(const Tensor& x, std::size_t axis) { return sum_to(x, x.shape().with(axis, 1)); }

}  // namespace

Tensor softmax(const Tensor& x, std::int64_t along_axis) {
  kernels::check_floating("softmax", x.stored());
  if (x.shape().rank() == 0) return reshape(softmax(reshape(x, {1}), along_axis), {});
  const auto axis = x.shape().axis(along_axis);
  return record({
      .op = "softmax",
      .inputs = {x},
      .output = along(axis, x.stored(), kernels::softmax, x.stored()),
      .save_output = true,
      .backward = [axis](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        const Tensor y = saved.output();
        if (GradMode::on) return {y * (grad - sum_along(grad * y, axis))};
        return {constant(along(axis, y.stored(), kernels::softmax_backward, grad.stored(), y.stored()))};
      },
  });
}

Tensor log_softmax(const Tensor& x, std::int64_t along_axis) {
  kernels::check_floating("log_softmax", x.stored());
  if (x.shape().rank() == 0) return reshape(log_softmax(reshape(x, {1}), along_axis), {});
  const auto axis = x.shape().axis(along_axis);
  return record({
      .op = "log_softmax",
      .inputs = {x},
      .output = along(axis, x.stored(), kernels::log_softmax, x.stored()),
      .save_output = true,
      .backward = [axis](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        const Tensor y = saved.output();
        if (GradMode::on) return {grad - exp(y) * sum_along(grad, axis)};
        return {constant(along(axis, y.stored(), kernels::log_softmax_backward, grad.stored(), y.stored()))};
      },
  });
}

}  // namespace evenkeel
