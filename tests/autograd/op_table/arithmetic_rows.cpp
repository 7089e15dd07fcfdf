#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/tests/support/op_rows.h>

#include <algorithm>
#include <cmath>

namespace evenkeel::testing {
namespace {

double away_from_zero(double v) { return v + std::copysign(0.5, v); }
/// Not far from 1: differences of large powers are coarse.
double positive(double v) { return std::abs(v) / 3 + 0.5; }
/// So few digits that float32 holds them, and their sums with a step.
double in_64ths(double v) { return std::round(v * 64) / 64; }
OpRow to_row() {
  OpRow row = elementwise(
      "to", [](const Tensor& x) { return to(to(x, DType::float32), DType::float64); },
      [](double v) { return v; }, "", in_64ths);
  row.gradcheck.eps = 1.0 / 64;
  return row;
}

/// Every third element is 0, the others are 1.
Tensor thirds(const Shape& shape) {
  std::vector<std::uint8_t> values;
  for (std::int64_t i = 0; i < shape.count(); ++i) values.push_back(i % 3 != 0);
  return Tensor::from(values, shape);
}

OpRow power_row(const std::string& what, double exponent) {
  return elementwise(
      "pow", [=](const Tensor& x) { return pow(x, exponent); },
      [=](double v) { return std::pow(v, exponent); }, what, positive);
}

/// Shapes that broadcast to [2, 4, 3, 5].
OpRow where_row(const std::string& what, const Shape& condition, const Shape& a, const Shape& b) {
  return {.op = "where",
          .what = what,
          .shapes = {a, b},
          .f = [=](const Tensors& in) { return where(thirds(condition), in[0], in[1]); },
          .reference =
              [=](const std::vector<Values>& in) {
                const Values taken{condition, thirds(condition).to_vector()};
                return by_index({2, 4, 3, 5}, [&](const Index& i) {
                  return (taken.broadcast_at(i) != 0 ? in[0] : in[1]).broadcast_at(i);
                });
              }};
}

void append(std::vector<OpRow>& rows, const std::vector<OpRow>& more) {
  rows.insert(rows.end(), more.begin(), more.end());
}

}  // namespace

std::vector<OpRow> arithmetic_rows() {
  using X = const Tensor&;
  std::vector<OpRow> rows{
      elementwise(
          "add", [](X x) { return x + 2.5; }, [](double v) { return v + 2.5; }, "number"),
      elementwise(
          "sub", [](X x) { return x - 2.5; }, [](double v) { return v - 2.5; }, "number"),
      elementwise(
          "sub", [](X x) { return 2.5 - x; }, [](double v) { return 2.5 - v; }, "from_number"),
      elementwise(
          "mul", [](X x) { return x * 2.5; }, [](double v) { return v * 2.5; }, "number"),
      elementwise(
          "div", [](X x) { return x / 2.5; }, [](double v) { return v / 2.5; }, "number"),
      elementwise(
          "div", [](X x) { return 2.5 / x; }, [](double v) { return 2.5 / v; }, "of_number", away_from_zero),
      elementwise(
          "neg", [](X x) { return -x; }, [](double v) { return -v; }),
      power_row("square", 2),
      power_row("cube", 3),
      power_row("root", 0.5),
      power_row("inverse", -1),
      power_row("one", 1),
      power_row("zero", 0),
      power_row("general", 1.7),
      where_row("", {2, 4, 3, 5}, {2, 4, 3, 5}, {2, 4, 3, 5}),
      where_row("broadcast_condition", {4, 1, 5}, {2, 4, 3, 5}, {2, 4, 3, 5}),
      where_row("broadcast", {2, 4, 3, 5}, {1, 4, 1, 1}, {}),
      {.op = "where",
       .what = "large",
       .shapes = {{5, 7}, {5, 7}},
       .large = {{300, 200}, {300, 200}},
       .f = [](const Tensors& in) { return where(thirds(in[0].shape()), in[0], in[1]); },
       .reference =
           [](const std::vector<Values>& in) {
             return by_index(in[0].shape,
                             [&](const Index& i) { return in[(i[0] * 7 + i[1]) % 3 != 0 ? 0 : 1].at(i); });
           }},
      to_row(),
  };
  append(rows, pairwise(
                   "add", [](X a, X b) { return a + b; }, [](double a, double b) { return a + b; }));
  append(rows, pairwise(
                   "sub", [](X a, X b) { return a - b; }, [](double a, double b) { return a - b; }));
  append(rows, pairwise(
                   "mul", [](X a, X b) { return a * b; }, [](double a, double b) { return a * b; }));
  append(rows, pairwise(
                   "div", [](X a, X b) { return a / b; }, [](double a, double b) { return a / b; },
                   away_from_zero));
  append(rows, pairwise(
                   "pow", [](X a, X b) { return pow(a, b); },
                   [](double a, double b) { return std::pow(a, b); }, positive));
  append(rows, pairwise(
                   "maximum", [](X a, X b) { return maximum(a, b); },
                   [](double a, double b) { return std::max(a, b); }));
  append(rows, pairwise(
                   "minimum", [](X a, X b) { return minimum(a, b); },
                   [](double a, double b) { return std::min(a, b); }));
  return rows;
}

}  // namespace evenkeel::testing
