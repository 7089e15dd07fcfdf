#include <evenkeel/autograd/ops/linear.h>
#include <evenkeel/autograd/ops/matmul.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/matmul.h>

namespace evenkeel {

Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias) {
  kernels::check_floating("linear", x.stored());
  const auto rank = x.shape().rank();
  check(rank > 0 && weight.shape().rank() == 2 && x.shape()[rank - 1] == weight.shape()[1] &&
            x.dtype() == weight.dtype(),
        "linear: input ", x.dtype(), ' ', x.shape(), " does not fit weight ", weight.dtype(), ' ',
        weight.shape(), "; expected [..., in_features] and [out_features, in_features]");
  const auto in = weight.shape()[1], out = weight.shape()[0];
  check(!bias.defined() || (bias.shape() == Shape{out} && bias.dtype() == x.dtype()), "linear: bias ",
        bias.defined() ? bias.dtype() : x.dtype(), ' ', bias.defined() ? bias.shape() : Shape(),
        " does not fit weight ", weight.dtype(), ' ', weight.shape(), "; expected [out_features]");
  const auto rows = x.shape().with(rank - 1, 1).count();
  return record({
      .op = "linear",
      .inputs = {x, weight, bias},
      .output =
          kernels::linear(row_major(x.stored()), weight.value(), bias.defined() ? bias.value() : Array()),
      .saved = {x, weight},
      .backward = [=](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        const Tensor g = reshape(grad, Shape{rows, out});
        const auto dx = [&] { return reshape(product("linear", g, saved[1]), saved.shape(0)); };
        const auto dw = [&] {
          return product("linear", g, reshape(saved[0], Shape{rows, in}), {.transpose_a = true});
        };
        return {needs(0) ? dx() : Tensor(), needs(1) ? dw() : Tensor(),
                needs(2) ? sum_to(grad, Shape{out}) : Tensor()};
      },
  });
}

}  // namespace evenkeel
