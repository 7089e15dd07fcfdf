#include <evenkeel/autograd/ops/comparison.h>
#include <evenkeel/tests/support/op_rows.h>

#include <cmath>

namespace evenkeel::testing {

std::vector<OpRow> comparison_rows() {
  std::vector<OpRow> rows;
  const auto add = [&](const std::string& op, const auto& compare) {
    const auto scalar = [=](double a, double b) { return compare(a, b) ? 1.0 : 0.0; };
    for (auto& row : pairwise(op, compare, scalar, [](double v) { return std::round(v); }))
      rows.push_back(row);
    rows.push_back(elementwise(
        op, [=](const Tensor& x) { return compare(x, 0.25); },
        [=](double v) { return compare(v, 0.25) ? 1.0 : 0.0; }, "number",
        [](double v) { return std::round(v * 4) / 4; }));
  };
  add("eq", [](const auto& a, const auto& b) { return a == b; });
  add("ne", [](const auto& a, const auto& b) { return a != b; });
  add("lt", [](const auto& a, const auto& b) { return a < b; });
  add("le", [](const auto& a, const auto& b) { return a <= b; });
  add("gt", [](const auto& a, const auto& b) { return a > b; });
  add("ge", [](const auto& a, const auto& b) { return a >= b; });
  for (auto& row : rows) row.differentiable = false;
  return rows;
}

}  // namespace evenkeel::testing
