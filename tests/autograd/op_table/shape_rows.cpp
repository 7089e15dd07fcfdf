#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/tests/support/op_rows.h>

#include <algorithm>

namespace evenkeel::testing {
namespace {

const Shape image{2, 4, 3, 5}, large_image{3, 4, 61, 67};

OpRow moved(const std::string& op, const std::string& what, const Shape& shape,
            const std::function<Tensor(const Tensor&)>& f,
            const std::function<Values(const Values&)>& reference, const std::vector<Shape>& large = {}) {
  return {.op = op,
          .what = what,
          .shapes = {shape},
          .large = large,
          .f = [=](const Tensors& in) { return f(in[0]); },
          .reference = [=](const std::vector<Values>& in) { return reference(in[0]); }};
}
/// The same values under another shape.
OpRow reshaped(const std::string& what, const Shape& from, const Shape& to,
               const std::function<Tensor(const Tensor&)>& f, const std::vector<Shape>& large = {}) {
  return moved(
      "reshape", what, from, f,
      [=](const Values& x) {
        return Values{to, x.flat};
      },
      large);
}
/// result[index] = x[from(index)].
std::function<Values(const Values&)> taken(const Shape& to, const std::function<Index(const Index&)>& from) {
  return [=](const Values& x) { return by_index(to, [&](const Index& i) { return x.at(from(i)); }); };
}

OpRow concat_row(const std::string& what, std::int64_t axis, const std::vector<Shape>& shapes,
                 const std::vector<Shape>& large = {}) {
  return {.op = "concat",
          .what = what,
          .shapes = shapes,
          .large = large,
          .f =
              [=](const Tensors& in) {
                return concat({in[0], in[1], in[0]}, axis);
              },
          .reference =
              [=](const std::vector<Values>& in) {
                const auto at = static_cast<std::size_t>(axis);
                const auto a = in[0].shape[at], b = in[1].shape[at];
                return by_index(in[0].shape.with(at, a + b + a), [&](Index i) {
                  const bool second = i[at] >= a && i[at] < a + b;
                  i[at] -= i[at] >= a + b ? a + b : i[at] >= a ? a : 0;
                  return in[second ? 1 : 0].at(i);
                });
              }};
}
OpRow stack_row() {
  return {.op = "concat",
          .what = "stack",
          .shapes = {{4, 3}, {4, 3}},
          .f =
              [](const Tensors& in) {
                return stack({in[0], in[1]}, 1);
              },
          .reference =
              [](const std::vector<Values>& in) {
                return by_index({4, 2, 3}, [&](const Index& i) {
                  return in[static_cast<std::size_t>(i[1])].at({i[0], i[2]});
                });
              }};
}

/// Offsets that repeat some and leave out others.
Tensor offsets(std::int64_t size) {
  std::vector<std::int64_t> index;
  for (std::int64_t i = 0; i < size; ++i) index.push_back(i * i % size);
  return Tensor::from(index, {size});
}
OpRow gather_row() {
  return {.op = "gather",
          .shapes = {{24}},
          .large = {{60000}},
          .f = [](const Tensors& in) { return gather("gather", in[0], offsets(in[0].size())); },
          .reference =
              [](const std::vector<Values>& in) {
                const auto size = in[0].shape[0];
                return by_index({size}, [&](const Index& i) { return in[0].at({i[0] * i[0] % size}); });
              }};
}
OpRow scatter_row() {
  return {.op = "scatter",
          .shapes = {{24}},
          .large = {{60000}},
          .f = [](const Tensors& in) { return scatter(in[0], offsets(in[0].size()), in[0].shape()); },
          .reference =
              [](const std::vector<Values>& in) {
                const auto& x = in[0].flat;
                Values out{in[0].shape, std::vector<double>(x.size())};
                for (std::size_t i = 0; i < x.size(); ++i) out.flat[i * i % x.size()] += x[i];
                return out;
              }};
}

std::vector<OpRow> reshape_rows() {
  using X = const Tensor&;
  return {
      reshaped("", image, {8, 15},
               [](X x) {
                 return reshape(x, {x.shape()[0] * x.shape()[1], -1});
               },
               {large_image}),
      reshaped("flatten", image, {2, 60}, [](X x) { return flatten(x); }),
      reshaped("flatten_middle", image, {2, 12, 5}, [](X x) { return flatten(x, 1, 2); }),
      reshaped("squeeze", {1, 4, 1, 5}, {4, 5}, [](X x) { return squeeze(x); }),
      reshaped("squeeze_axis", {1, 4, 1, 5}, {1, 4, 5}, [](X x) { return squeeze(x, -2); }),
      reshaped("unsqueeze", {4, 5}, {4, 5, 1}, [](X x) { return unsqueeze(x, -1); }),
  };
}

std::vector<OpRow> moving_rows() {
  using X = const Tensor&;
  const auto to_last = [](X x) { return permute(x, {0, 2, 3, 1}); };
  const auto in_zeros = [](const Values& x) {
    return by_index({2, 7, 3}, [&](const Index& i) {
      return i[1] >= 2 && i[1] < 6 ? x.at({i[0], i[1] - 2, i[2]}) : 0.0;
    });
  };
  return {
      moved("permute", "", image, to_last,
            taken({2, 3, 5, 4},
                  [](const Index& i) {
                    return Index{i[0], i[3], i[1], i[2]};
                  }),
            {large_image}),
      moved(
          "permute", "reversed", {2, 3, 2, 2, 3},
          [](X x) {
            return permute(x, {4, 3, 2, 1, 0});
          },
          taken({3, 2, 2, 3, 2},
                [](Index i) {
                  std::ranges::reverse(i);
                  return i;
                })),
      moved(
          "permute", "transpose", {4, 7}, [](X x) { return transpose(x, 0, -1); },
          taken({7, 4},
                [](const Index& i) {
                  return Index{i[1], i[0]};
                })),
      moved("slice", "", image, [](X x) { return slice(x, {.axis = 1, .begin = 1, .end = 3}); },
            taken({2, 2, 3, 5},
                  [](const Index& i) {
                    return Index{i[0], i[1] + 1, i[2], i[3]};
                  }),
            {large_image}),
      moved(
          "slice", "last", {4, 7}, [](X x) { return slice(x, {.axis = -1, .begin = -3}); },
          taken({4, 3},
                [](const Index& i) {
                  return Index{i[0], i[1] + 4};
                })),
      moved(
          "place", "", {2, 4, 3},
          [](X x) {
            return place(x, {2, 7, 3}, 1, 2);
          },
          in_zeros),
      moved(
          "place", "large", {4}, [](X x) { return place(x, {50000 + x.size()}, 0, 50000); },
          [](const Values& x) {
            return by_index({50004}, [&](const Index& i) { return i[0] < 50000 ? 0 : x.at({i[0] - 50000}); });
          },
          {{40000}}),
      moved(
          "reorder", "", image, [](X x) { return reorder(x, MemoryOrder::channels_last); },
          [](const Values& x) { return x; }, {large_image}),
      moved("nchw_of_nhwc", "", image, [](X x) { return nchw_of_nhwc(x); },
            taken({2, 5, 4, 3},
                  [](const Index& i) {
                    return Index{i[0], i[2], i[3], i[1]};
                  }),
            {large_image}),
      moved("nhwc_of_nchw", "", image, [](X x) { return nhwc_of_nchw(x); },
            taken({2, 3, 5, 4},
                  [](const Index& i) {
                    return Index{i[0], i[3], i[1], i[2]};
                  }),
            {large_image}),
  };
}

}  // namespace

std::vector<OpRow> shape_rows() {
  auto rows = reshape_rows();
  for (const auto& row : moving_rows()) rows.push_back(row);
  rows.push_back(concat_row("", 1, {image, {2, 1, 3, 5}}, {large_image, {3, 2, 61, 67}}));
  rows.push_back(concat_row("first", 0, {{2, 3}, {4, 3}}));
  rows.push_back(stack_row());
  rows.push_back(gather_row());
  rows.push_back(scatter_row());
  return rows;
}

}  // namespace evenkeel::testing
