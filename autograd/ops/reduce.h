#pragma once
/// Reductions over all elements, or over some axes. Floating sums are kept in double; the same bits on any
/// number of threads.

#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/groups.h>

#include <cstdint>
#include <optional>
#include <vector>

namespace evenkeel {

struct ReduceOptions {
  std::vector<std::int64_t> axes =
      {};                ///< none: all of them; -1 is the last. Throws for one that is named twice.
  bool keepdim = false;  ///< whether reduced axes stay, as 1
};
/// Integers are summed as int64.
Tensor sum(const Tensor& x, const ReduceOptions& options = {});
/// NaN where there is nothing to average.
Tensor mean(const Tensor& x, const ReduceOptions& options = {});

struct VarOptions {
  std::vector<std::int64_t> axes = {};
  bool keepdim = false;
  double correction = 1;  ///< the sum of squares is divided by max(0, n - correction)
};
Tensor var(const Tensor& x, const VarOptions& options = {});

/// The largest elements; NaN wins. Equal ones share the gradient (PyTorch's amax). Throws where there are
/// none.
Tensor max(const Tensor& x, const ReduceOptions& options = {});
Tensor min(const Tensor& x, const ReduceOptions& options = {});
/// The index of the first largest element, int64; NaN wins. Without an axis: in row-major order, as a scalar.
Tensor argmax(const Tensor& x, std::optional<std::int64_t> axis = {}, bool keepdim = false);
Tensor argmin(const Tensor& x, std::optional<std::int64_t> axis = {}, bool keepdim = false);

/// Sums over the axes that are 1 (or missing) in `shape`; the adjoint of expand.
Tensor sum_to(const Tensor& x, const Shape& shape);
/// Repeats along the axes that are 1 (or missing) in x's shape; the adjoint of sum_to. The result is stored
/// in `order`.
Tensor expand(const Tensor& x, const Shape& shape, MemoryOrder order = MemoryOrder::row_major);
/// One sum per group of x as stored in the given order; the adjoint of spread.
Tensor group_sum(const Tensor& x, const Groups& groups, MemoryOrder order);
/// Gives each element of the shape, stored in the given order, the value of its group; the adjoint of
/// group_sum.
Tensor spread(const Tensor& x, const Groups& groups, const Shape& shape, MemoryOrder order);

}  // namespace evenkeel
