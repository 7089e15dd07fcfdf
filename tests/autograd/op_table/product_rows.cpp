#include <evenkeel/autograd/ops/linear.h>
#include <evenkeel/autograd/ops/matmul.h>
#include <evenkeel/tests/support/op_rows.h>

namespace evenkeel::testing {
namespace {

/// `batch` is the common batch of both operands.
OpRow matmul_row(const std::string& what, const Shape& a, const Shape& b, const Index& batch,
                 const std::vector<Shape>& large = {}) {
  return {.op = "matmul",
          .what = what,
          .shapes = {a, b},
          .large = large,
          .f = [](const Tensors& in) { return matmul(in[0], in[1]); },
          .reference =
              [=](const std::vector<Values>& in) {
                const auto m = a[a.rank() - 2], k = a[a.rank() - 1], n = b[b.rank() - 1];
                Index dims = batch;
                dims.insert(dims.end(), {m, n});
                return by_index(Shape(dims), [&](Index left) {
                  Index right = left;
                  double total = 0;
                  for (std::int64_t i = 0; i < k; ++i) {
                    left.back() = right[right.size() - 2] = i;
                    total += in[0].broadcast_at(left) * in[1].broadcast_at(right);
                  }
                  return total;
                });
              }};
}
OpRow inner_row() {
  return {.op = "matmul",
          .what = "of_vectors",
          .shapes = {{5}, {5}},
          .f = [](const Tensors& in) { return matmul(in[0], in[1]); },
          .reference =
              [](const auto& in) {
                double total = 0;
                for (std::size_t i = 0; i < 5; ++i) total += in[0].flat[i] * in[1].flat[i];
                return Values{{}, {total}};
              }};
}
OpRow matrix_vector_row() {
  return {.op = "matmul",
          .what = "with_vector",
          .shapes = {{2, 3, 5}, {5}},
          .f = [](const Tensors& in) { return matmul(in[0], in[1]); },
          .reference =
              [](const auto& in) {
                return by_index({2, 3}, [&](const Index& i) {
                  double total = 0;
                  for (std::int64_t k = 0; k < 5; ++k) total += in[0].at({i[0], i[1], k}) * in[1].at({k});
                  return total;
                });
              }};
}

OpRow linear_row(const std::string& what, const Shape& x, bool bias, const std::vector<Shape>& large = {}) {
  const auto features = x[x.rank() - 1];
  std::vector<Shape> shapes{x, {4, features}};
  if (bias) shapes.push_back({4});
  return {.op = "linear",
          .what = what,
          .shapes = shapes,
          .large = large,
          .f = [=](const Tensors& in) { return linear(in[0], in[1], bias ? in[2] : Tensor()); },
          .reference =
              [=](const std::vector<Values>& in) {
                return by_index(x.with(x.rank() - 1, 4), [&](Index i) {
                  const auto out = i.back();
                  double total = bias ? in[2].at({out}) : 0;
                  for (std::int64_t k = 0; k < features; ++k) {
                    i.back() = k;
                    total += in[0].at(i) * in[1].at({out, k});
                  }
                  return total;
                });
              }};
}

}  // namespace

std::vector<OpRow> product_rows() {
  return {
      matmul_row("", {3, 5}, {5, 4}, {}, {{150, 130}, {130, 140}}),
      matmul_row("square", {4, 4}, {4, 4}, {}),
      matmul_row("batches", {2, 3, 5}, {2, 5, 4}, {2}, {{9, 50, 70}, {9, 70, 40}}),
      matmul_row("one_matrix", {2, 3, 5}, {5, 4}, {2}),
      matmul_row("broadcast_batches", {2, 1, 3, 5}, {4, 5, 2}, {2, 4}),
      inner_row(),
      matrix_vector_row(),
      linear_row("", {3, 5}, true, {{300, 120}, {110, 120}, {110}}),
      linear_row("without_bias", {3, 5}, false),
      linear_row("of_images", {2, 3, 2, 5}, true, {{3, 20, 10, 60}, {50, 60}, {50}}),
      linear_row("of_vector", {5}, true),
  };
}

}  // namespace evenkeel::testing
