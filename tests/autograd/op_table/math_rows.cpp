#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/tests/support/op_rows.h>

#include <cmath>

namespace evenkeel::testing {
namespace {

double positive(double v) { return std::abs(v) + 0.5; }

}  // namespace

std::vector<OpRow> math_rows() {
  using X = const Tensor&;
  return {
      elementwise(
          "exp", [](X x) { return exp(x); }, [](double v) { return std::exp(v); }, "",
          [](double v) { return v / 2; }),
      elementwise(
          "log", [](X x) { return log(x); }, [](double v) { return std::log(v); }, "", positive),
      elementwise(
          "sqrt", [](X x) { return sqrt(x); }, [](double v) { return std::sqrt(v); }, "", positive),
      elementwise(
          "abs", [](X x) { return abs(x); }, [](double v) { return v < 0 ? -v : v; }),
      elementwise(
          "clamp", [](X x) { return clamp(x, {.min = -0.5, .max = 0.75}); },
          [](double v) { return v < -0.5   ? -0.5
                                : v > 0.75 ? 0.75
                                           : v; }),
      elementwise(
          "clamp", [](X x) { return clamp(x, {.min = 0.1}); }, [](double v) { return v < 0.1 ? 0.1 : v; },
          "below"),
      elementwise(
          "clamp", [](X x) { return clamp(x, {.max = 0.1}); }, [](double v) { return v > 0.1 ? 0.1 : v; },
          "above"),
  };
}

}  // namespace evenkeel::testing
