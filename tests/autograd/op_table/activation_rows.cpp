#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/dropout.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/tests/support/op_rows.h>

#include <cmath>
#include <numbers>

namespace evenkeel::testing {
namespace {

double logistic(double v) { return 1 / (1 + std::exp(-v)); }

void to_softmax(std::vector<double>& row) {
  double total = 0;
  for (const double v : row) total += std::exp(v);
  for (double& v : row) v = std::exp(v) / total;
}
void to_log_softmax(std::vector<double>& row) {
  to_softmax(row);
  for (double& v : row) v = std::log(v);
}

template <class F, class Change>
void add_along(std::vector<OpRow>& rows, const std::string& op, F f, Change change) {
  const struct {
    std::string what;
    Shape shape, large;
    std::int64_t axis;
  } kinds[] = {
      {"of_channels", {2, 4, 3, 5}, {3, 7, 40, 31}, 1},
      {"of_lines", {2, 4, 3, 5}, {3, 7, 40, 31}, -2},
      {"last", {3, 5}, {300, 70}, -1},
      {"first", {3, 5}, {70, 300}, 0},
  };
  for (const auto& kind : kinds)
    rows.push_back(
        {.op = op,
         .what = kind.what,
         .shapes = {kind.shape},
         .large = {kind.large},
         .f = [=, axis = kind.axis](const Tensors& in) { return f(in[0], axis); },
         .reference = [=, axis = kind.axis](const auto& in) { return along(in[0], axis, change); }});
}

/// The i-th element in row-major order is dropped where the i-th number is below p.
OpRow dropout_row() {
  return {.op = "dropout",
          .shapes = {{2, 4, 3, 5}},
          .large = {{3, 7, 40, 31}},
          .f =
              [](const Tensors& in) {
                Rng rng(9, 4);
                return dropout(in[0], {.p = 0.3}, rng);
              },
          .reference =
              [](const auto& in) {
                Values out = in[0];
                const Rng rng(9);
                for (std::size_t i = 0; i < out.flat.size(); ++i)
                  out.flat[i] *= rng.uniform(4 + i) < 0.3 ? 0 : 1 / (1 - 0.3);
                return out;
              }};
}

}  // namespace

std::vector<OpRow> activation_rows() {
  using X = const Tensor&;
  std::vector<OpRow> rows{
      elementwise(
          "relu", [](X x) { return relu(x); }, [](double v) { return v > 0 ? v : 0; }),
      elementwise(
          "leaky_relu", [](X x) { return leaky_relu(x, {.negative_slope = 0.2}); },
          [](double v) { return v > 0 ? v : 0.2 * v; }),
      elementwise(
          "gelu", [](X x) { return gelu(x); },
          [](double v) { return v * (1 + std::erf(v / std::numbers::sqrt2)) / 2; }),
      elementwise(
          "gelu", [](X x) { return gelu(x, {.approximate = Gelu::tanh}); },
          [](double v) {
            const double inner = std::sqrt(2 / std::numbers::pi) * (v + 0.044715 * std::pow(v, 3));
            return v * (1 + std::tanh(inner)) / 2;
          },
          "by_tanh"),
      elementwise(
          "silu", [](X x) { return silu(x); }, [](double v) { return v * logistic(v); }),
      elementwise(
          "sigmoid", [](X x) { return sigmoid(x); }, logistic),
      elementwise(
          "tanh", [](X x) { return tanh(x); }, [](double v) { return std::tanh(v); }),
      elementwise(
          "softplus", [](X x) { return softplus(x); }, [](double v) { return std::log(1 + std::exp(v)); }),
      elementwise(
          "softplus", [](X x) { return softplus(x, {.beta = 3, .threshold = 2}); },
          [](double v) { return 3 * v > 2 ? v : std::log(1 + std::exp(3 * v)) / 3; }, "steep"),
      dropout_row(),
  };
  add_along(
      rows, "softmax", [](X x, std::int64_t axis) { return softmax(x, axis); }, to_softmax);
  add_along(
      rows, "log_softmax", [](X x, std::int64_t axis) { return log_softmax(x, axis); }, to_log_softmax);
  return rows;
}

}  // namespace evenkeel::testing
