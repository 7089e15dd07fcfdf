#include <evenkeel/autograd/ops/matmul.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/matmul.h>

#include <vector>

namespace evenkeel {
namespace {

Shape of_dims(const std::vector<std::int64_t>& dims) { return Shape(dims); }

/// The leading axes of a, all but the last two.
std::vector<std::int64_t> batch_of(const Shape& shape) {
  return {shape.dims().begin(), shape.dims().end() - 2};
}

/// The batches of both operands broadcast to one.
std::vector<std::int64_t> common_batch(const Tensor& a, const Tensor& b) {
  const Array left = Array::uninitialized(of_dims(batch_of(a.shape())), DType::uint8);
  const Array right = Array::uninitialized(of_dims(batch_of(b.shape())), DType::uint8);
  const Shape shape = kernels::broadcast_shape("matmul: the batch", left, right);
  return {shape.dims().begin(), shape.dims().end()};
}

/// Stacks of matrices with any batches in front.
Tensor batched(const Tensor& a, const Tensor& b) {
  auto dims = common_batch(a, b);
  const auto stacked = [&](const Tensor& x) {
    auto wide = dims;
    const auto rank = x.shape().rank();
    wide.insert(wide.end(), {x.shape()[rank - 2], x.shape()[rank - 1]});
    const auto batches = of_dims(dims).count();
    return reshape(expand(x, of_dims(wide)), Shape{batches, x.shape()[rank - 2], x.shape()[rank - 1]});
  };
  const Tensor y = product("matmul", stacked(a), stacked(b));
  dims.insert(dims.end(), {y.shape()[1], y.shape()[2]});
  return reshape(y, of_dims(dims));
}

void check_product(std::string_view op, const Tensor& a, const Tensor& b, MatmulOptions options) {
  kernels::check_floating(op, a.stored());
  const Shape &left = a.shape(), &right = b.shape();
  const auto rank = left.rank();
  const auto inner = [&] {
    return left[rank - (options.transpose_a ? 2 : 1)] == right[rank - (options.transpose_b ? 1 : 2)];
  };
  check(a.dtype() == b.dtype() && (rank == 2 || rank == 3) && right.rank() == rank &&
            (rank == 2 || left[0] == right[0]) && inner(),
        op, ": ", a.dtype(), ' ', left, options.transpose_a ? " transposed" : "", " does not fit ", b.dtype(),
        ' ', right, options.transpose_b ? " transposed" : "");
}

}  // namespace

Tensor product(std::string_view op, const Tensor& a, const Tensor& b, MatmulOptions options) {
  check_product(op, a, b, options);
  return record({
      .op = op,
      .inputs = {a, b},
      .output = kernels::matmul(row_major(a.stored()), row_major(b.stored()), options),
      .saved = {a, b},
      .backward = [op, options](const Tensor& g, const Saved& saved, const Needs& needs) -> Gradients {
        const bool at = options.transpose_a, bt = options.transpose_b;
        const auto da = [&] {
          return at ? product(op, saved[1], g, {bt, true}) : product(op, g, saved[1], {false, !bt});
        };
        const auto db = [&] {
          return bt ? product(op, g, saved[0], {true, at}) : product(op, saved[0], g, {!at, false});
        };
        return {needs(0) ? da() : Tensor(), needs(1) ? db() : Tensor()};
      },
  });
}

Tensor matmul(const Tensor& a, const Tensor& b) {
  const auto left = a.shape().rank(), right = b.shape().rank();
  kernels::check_floating("matmul", a.stored());
  const auto inner = [&] { return a.shape()[left - 1] == b.shape()[right == 1 ? 0 : right - 2]; };
  check(a.dtype() == b.dtype() && left > 0 && right > 0 && inner(), "matmul: ", a.dtype(), ' ', a.shape(),
        " does not fit ", b.dtype(), ' ', b.shape(), "; expected [..., M, K] and [..., K, N] of one dtype");
  if (left == 1) return squeeze(matmul(unsqueeze(a, 0), b), right == 1 ? -1 : -2);
  if (right == 1) return squeeze(matmul(a, unsqueeze(b, 1)), -1);
  if (left == 2 && right == 2) return product("matmul", a, b);
  if (right == 2) {  // one matrix for all rows
    const auto k = b.shape()[0], n = b.shape()[1], rows = a.shape().with(left - 1, 1).count();
    const Tensor y = product("matmul", reshape(a, Shape{rows, k}), b);
    return reshape(y, a.shape().with(left - 1, n));
  }
  return batched(a, b);
}

}  // namespace evenkeel
