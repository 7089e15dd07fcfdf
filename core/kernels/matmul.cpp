#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/matmul.h>
#include <evenkeel/core/parallel.h>

#include <Eigen/Core>

#include <vector>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;

/// A matrix as it lies: rows or columns one element apart.
template <class T>
struct Operand {
  const T* data;
  Index row, column;  // distances between neighbours
  T operator()(Index r, Index c) const { return data[r * row + c * column]; }
};

/// Rows [first, last) of c = a b + bias, each a chain over k from first to last.
template <class T>
void rows_of_product(const Operand<T>& a, const Operand<T>& b, const T* bias, T* c, Index n, Index k,
                     Index first, Index last) {
  using Row = Eigen::Map<Eigen::Array<T, 1, Eigen::Dynamic>>;
  using ConstRow = Eigen::Map<const Eigen::Array<T, 1, Eigen::Dynamic>>;
  std::vector<T> packed;
  if (b.column != 1) {
    packed.resize(static_cast<std::size_t>(n * k));
    for (Index j = 0; j < n; ++j)
      for (Index i = 0; i < k; ++i) packed[static_cast<std::size_t>(i * n + j)] = b(i, j);
  }
  const T* const rows = packed.empty() ? b.data : packed.data();
  for (Index r = first; r < last; ++r) {
    Row to(c + r * n, n);
    to.setZero();
    for (Index i = 0; i < k; ++i) to += a(r, i) * ConstRow(rows + i * n, n);
    if (bias) to += ConstRow(bias, n);
  }
}

}  // namespace

Array matmul(const Array& a, const Array& b, MatmulOptions options) {
  const auto rank = a.shape().rank();
  const bool at = options.transpose_a, bt = options.transpose_b;
  const auto m = a.shape()[rank - (at ? 1 : 2)], k = a.shape()[rank - (at ? 2 : 1)],
             n = b.shape()[rank - (bt ? 2 : 1)];
  const auto batch = rank == 3 ? a.shape()[0] : 1;
  Array c = Array::uninitialized(rank == 3 ? Shape{batch, m, n} : Shape{m, n}, a.dtype());
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T *const from_a = a.data<T>().data(), *const from_b = b.data<T>().data();
    T* const to = c.mutable_data<T>().data();
    for (Index i = 0; i < batch; ++i) {
      const Operand<T> left{from_a + i * m * k, at ? 1 : k, at ? m : 1},
          right{from_b + i * k * n, bt ? 1 : n, bt ? k : 1};
      parallel_for(m, at_least_one(std::max(ceil_div(m, 16), elements_per_task / at_least_one(n * k))),
                   [&, i](Index first, Index last) {
                     rows_of_product<T>(left, right, nullptr, to + i * m * n, n, k, first, last);
                   });
    }
  });
  return c;
}

Array linear(const Array& x, const Array& weight, const Array& bias) {
  const auto k = weight.shape()[1], n = weight.shape()[0];
  const auto rank = x.shape().rank();
  const auto m = x.shape().with(rank - 1, 1).count();
  Array y = Array::uninitialized(x.shape().with(rank - 1, n), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    const Operand<T> left{x.data<T>().data(), k, 1}, right{weight.data<T>().data(), 1, k};
    T* const to = y.mutable_data<T>().data();
    const T* const shift = bias.defined() ? bias.data<T>().data() : nullptr;
    parallel_for(
        m, at_least_one(std::max(ceil_div(m, 16), elements_per_task / at_least_one(n * k))),
        [&](Index first, Index last) { rows_of_product<T>(left, right, shift, to, n, k, first, last); });
  });
  return y;
}

}  // namespace evenkeel::kernels
