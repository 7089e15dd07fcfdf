#include <evenkeel/tests/support/op_rows.h>

#include <algorithm>

namespace evenkeel::testing {
namespace {

const Shape image{2, 4, 3, 5}, channel{1, 4, 1, 1}, large_image{3, 4, 61, 67};

/// Calls f(index) for every index of the shape, the last axis fastest.
template <class F>
void for_each_index(const Shape& shape, F f) {
  Index index(shape.rank());
  for (std::int64_t i = 0; i < shape.count(); ++i) {
    auto rest = i;
    for (auto axis = shape.rank(); axis-- > 0; rest /= shape[axis]) index[axis] = rest % shape[axis];
    f(index);
  }
}

OpRow pair_row(const std::string& op, const std::string& what,
               const std::function<Tensor(const Tensor&, const Tensor&)>& f,
               const std::function<double(double, double)>& scalar, const Shape& result, const Shape& left,
               const Shape& right) {
  return {.op = op,
          .what = what,
          .shapes = {left, right},
          .f = [=](const Tensors& in) { return f(in[0], in[1]); },
          .reference =
              [=](const std::vector<Values>& in) {
                const Shape& shape = in[0].shape.count() == in[1].shape.count() ? in[0].shape : result;
                return by_index(shape, [&](const Index& i) {
                  return scalar(in[0].broadcast_at(i), in[1].broadcast_at(i));
                });
              }};
}

}  // namespace

double Values::at(const Index& index) const {
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < index.size(); ++axis) offset = offset * shape[axis] + index[axis];
  return flat.at(static_cast<std::size_t>(offset));
}
double Values::broadcast_at(const Index& index) const {
  Index own(index.end() - static_cast<std::ptrdiff_t>(shape.rank()), index.end());
  for (std::size_t axis = 0; axis < own.size(); ++axis)
    if (shape[axis] == 1) own[axis] = 0;
  return at(own);
}

Values by_index(const Shape& shape, const std::function<double(const Index&)>& value) {
  Values out{shape, {}};
  for_each_index(shape, [&](const Index& index) { out.flat.push_back(value(index)); });
  return out;
}

Values over_axes(const Values& x, const Index& axes, bool keepdim,
                 const std::function<double(const std::vector<double>&)>& summary) {
  const auto rank = static_cast<std::int64_t>(x.shape.rank());
  const auto is_reduced = [&](std::int64_t axis) {
    return axes.empty() || std::ranges::any_of(axes, [&](auto a) { return (a < 0 ? a + rank : a) == axis; });
  };
  std::vector<std::int64_t> kept, result;
  for (std::int64_t axis = 0; axis < rank; ++axis) {
    const auto dim = x.shape[static_cast<std::size_t>(axis)];
    kept.push_back(is_reduced(axis) ? 1 : dim);
    if (keepdim || !is_reduced(axis)) result.push_back(kept.back());
  }
  Values out = by_index(Shape(kept), [&](const Index& group) {
    std::vector<double> elements;
    for_each_index(x.shape, [&](const Index& index) {
      for (std::size_t axis = 0; axis < index.size(); ++axis)
        if (kept[axis] != 1 && index[axis] != group[axis]) return;
      elements.push_back(x.at(index));
    });
    return summary(elements);
  });
  out.shape = Shape(result);
  return out;
}

Values along(const Values& x, std::int64_t axis, const std::function<void(std::vector<double>&)>& change) {
  const auto at =
      static_cast<std::size_t>(axis < 0 ? axis + static_cast<std::int64_t>(x.shape.rank()) : axis);
  return by_index(x.shape, [&](Index index) {
    const auto own = static_cast<std::size_t>(index[at]);
    std::vector<double> row;
    for (index[at] = 0; index[at] < x.shape[at]; ++index[at]) row.push_back(x.at(index));
    change(row);
    return row[own];
  });
}

OpRow elementwise(const std::string& op, const std::function<Tensor(const Tensor&)>& f,
                  const ScalarFunction& scalar, const std::string& what, const ScalarFunction& draw) {
  return {.op = op,
          .what = what,
          .shapes = {image},
          .large = {large_image},
          .f = [=](const Tensors& in) { return f(in[0]); },
          .reference =
              [=](const std::vector<Values>& in) {
                return by_index(in[0].shape, [&](const Index& i) { return scalar(in[0].at(i)); });
              },
          .draw = draw};
}

std::vector<OpRow> pairwise(const std::string& op,
                            const std::function<Tensor(const Tensor&, const Tensor&)>& f,
                            const std::function<double(double, double)>& scalar, const ScalarFunction& draw) {
  std::vector<OpRow> rows{
      pair_row(op, "", f, scalar, image, image, image),
      pair_row(op, "per_channel", f, scalar, image, image, channel),
      pair_row(op, "of_channel", f, scalar, image, channel, image),
      pair_row(op, "outer", f, scalar, image, {2, 1, 3, 1}, {4, 1, 5}),
      pair_row(op, "with_scalar", f, scalar, {3, 5}, {}, {3, 5}),
  };
  rows[0].large = {large_image, large_image};
  rows[1].large = {large_image, channel};
  for (auto& row : rows) row.draw = draw;
  return rows;
}

const std::vector<OpRow>& op_rows() {
  static const std::vector<OpRow> all = [] {
    std::vector<OpRow> rows;
    for (const auto& part :
         {arithmetic_rows(), comparison_rows(), math_rows(), reduce_rows(), shape_rows(), product_rows(),
          conv_rows(), pool_rows(), normalize_rows(), in_place_rows(), activation_rows(), loss_rows()})
      rows.insert(rows.end(), part.begin(), part.end());
    return rows;
  }();
  return all;
}

}  // namespace evenkeel::testing
