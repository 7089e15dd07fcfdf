#pragma once
/// Every op once or more: what is true of all ops is tested in tests/autograd/op_table_test.cpp, and a test
/// fails for an op under autograd/ops that has no row.
///
/// A new op gets its row in the file of its kind in tests/autograd/op_table. A function of single elements is
/// one entry,
///     elementwise("relu", [](const Tensor& x) { return relu(x); }, [](double v) { return v > 0 ? v : 0; }),
/// and any other names its shapes and says what it is, in plain scalar code:
///     {.op = "softmax",
///      .shapes = {{3, 5}},
///      .large = {{300, 70}},
///      .f = [](const Tensors& in) { return softmax(in[0], 1); },
///      .reference = [](const auto& in) { return along(in[0], 1, [](auto& row) { ... }); }},
/// A new file is declared below and listed in op_rows.cpp.

#include <evenkeel/autograd/gradcheck.h>

#include <cstdint>
#include <functional>
#include <ostream>
#include <string>
#include <vector>

namespace evenkeel::testing {

using Index = std::vector<std::int64_t>;

/// Values in row-major order, with nothing of the library's index arithmetic.
struct Values {
  Shape shape;
  std::vector<double> flat;

  double at(const Index& index) const;
  /// The same with index and shape aligned at the end, 1 and missing axes repeated.
  double broadcast_at(const Index& index) const;
};
/// value(index) for every index of the shape.
Values by_index(const Shape& shape, const std::function<double(const Index&)>& value);
/// summary(elements) over the named axes (none: all), which become 1 (keepdim) or vanish.
Values over_axes(const Values& x, const Index& axes, bool keepdim,
                 const std::function<double(const std::vector<double>&)>& summary);
/// Changes each row along an axis in place by change(row).
Values along(const Values& x, std::int64_t axis, const std::function<void(std::vector<double>&)>& change);

using Reference = std::function<Values(const std::vector<Values>& in)>;

struct OpRow {
  std::string op;             ///< the name under which it is recorded
  std::string what = {};      ///< what is special, in letters and digits; op and what name a row
  std::vector<Shape> shapes;  ///< of the inputs, small; those of rank 4 and 5 are tried in both memory orders
  std::vector<Shape> large = {};  ///< shapes whose work threads share; at least one row of an op has them
  Function f;                     ///< for inputs of float64 or float32, of these shapes
  Reference reference;
  std::function<double(double)> draw = {};  ///< makes an element of a standard normal number
  bool differentiable = true;               ///< false: no node is ever recorded
  bool second_order = true;                 ///< false: create_graph is refused
  GradcheckOptions gradcheck = {};

  std::string name() const { return what.empty() ? op : op + '_' + what; }
};
inline std::ostream& operator<<(std::ostream& os, const OpRow& row) { return os << row.name(); }

using ScalarFunction = std::function<double(double)>;
/// A row for a function of every element of one image.
OpRow elementwise(const std::string& op, const std::function<Tensor(const Tensor&)>& f,
                  const ScalarFunction& scalar, const std::string& what = {},
                  const ScalarFunction& draw = {});
/// Rows for a function of pairs of elements: of one shape, of an image and a value per channel on either
/// side, and with both operands repeated.
std::vector<OpRow> pairwise(const std::string& op,
                            const std::function<Tensor(const Tensor&, const Tensor&)>& f,
                            const std::function<double(double, double)>& scalar,
                            const ScalarFunction& draw = {});

// One list a file of tests/autograd/op_table.
std::vector<OpRow> arithmetic_rows();
std::vector<OpRow> comparison_rows();
std::vector<OpRow> math_rows();
std::vector<OpRow> reduce_rows();
std::vector<OpRow> shape_rows();
std::vector<OpRow> product_rows();
std::vector<OpRow> conv_rows();
std::vector<OpRow> pool_rows();
std::vector<OpRow> normalize_rows();
std::vector<OpRow> in_place_rows();
std::vector<OpRow> activation_rows();
std::vector<OpRow> loss_rows();

const std::vector<OpRow>& op_rows();

}  // namespace evenkeel::testing
