#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/tests/support/op_rows.h>

namespace evenkeel::testing {

std::vector<OpRow> in_place_rows() {
  auto rows = pairwise(
      "add_", [](const Tensor& a, const Tensor& b) { return (a * 2).add_(b); },
      [](double a, double b) { return 2 * a + b; });
  const auto copies = pairwise(
      "copy_", [](const Tensor& a, const Tensor& b) { return (a * 2).copy_(b); },
      [](double, double b) { return b; });
  rows.insert(rows.end(), copies.begin(), copies.end());
  // The left operand keeps its shape: it cannot be the smaller one.
  std::erase_if(rows, [](const OpRow& row) {
    return row.what == "of_channel" || row.what == "outer" || row.what == "with_scalar";
  });
  return rows;
}

}  // namespace evenkeel::testing
