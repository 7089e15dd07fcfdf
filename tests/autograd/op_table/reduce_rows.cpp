#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/tests/support/op_rows.h>

#include <algorithm>
#include <numeric>

namespace evenkeel::testing {
namespace {

using Elements = std::vector<double>;
const Shape image{2, 4, 3, 5}, large_image{3, 4, 61, 67};

double sum_of(const Elements& v) { return std::accumulate(v.begin(), v.end(), 0.0); }
double mean_of(const Elements& v) { return sum_of(v) / static_cast<double>(v.size()); }
double squares_of(const Elements& v) {
  const double mean = mean_of(v);
  double total = 0;
  for (const double x : v) total += (x - mean) * (x - mean);
  return total;
}
double max_of(const Elements& v) { return *std::ranges::max_element(v); }
double min_of(const Elements& v) { return *std::ranges::min_element(v); }
double argmax_of(const Elements& v) { return static_cast<double>(std::ranges::max_element(v) - v.begin()); }
double argmin_of(const Elements& v) { return static_cast<double>(std::ranges::min_element(v) - v.begin()); }

/// Rows for one reduction over all axes, over some of an image in either order, and over one.
template <class F, class Summary>
void add_reduction(std::vector<OpRow>& rows, const std::string& op, F f, Summary summary,
                   const std::string& variant = "") {
  const struct {
    std::string what;
    Index axes;
    bool keepdim;
    Shape shape;
    std::vector<Shape> large;
  } kinds[] = {
      {"all", {}, false, image, {large_image}},
      {"per_channel", {0, 2, -1}, true, image, {large_image}},
      {"per_sample_and_row", {1, 3}, false, image, {large_image}},
      {"last", {-1}, false, {4, 7}, {{300, 200}}},
      {"first", {0}, false, {4, 7}, {{300, 200}}},
      {"of_five", {1, 3}, true, {2, 3, 2, 2, 3}, {}},
  };
  for (const auto& kind : kinds)
    rows.push_back({.op = op,
                    .what = kind.what + variant,
                    .shapes = {kind.shape},
                    .large = kind.large,
                    .f = [=, axes = kind.axes,
                          keepdim = kind.keepdim](const Tensors& in) { return f(in[0], axes, keepdim); },
                    .reference = [=, axes = kind.axes, keepdim = kind.keepdim](
                                     const auto& in) { return over_axes(in[0], axes, keepdim, summary); }});
}

template <class F, class Summary>
void add_arg(std::vector<OpRow>& rows, const std::string& op, F f, Summary summary) {
  for (const std::int64_t axis : {0, 1, 3})
    for (const bool keepdim : {false, true})
      rows.push_back({.op = op,
                      .what = "axis_" + std::to_string(axis) + (keepdim ? "_kept" : ""),
                      .shapes = {image},
                      .large = {large_image},
                      .f = [=](const Tensors& in) { return f(in[0], std::optional(axis), keepdim); },
                      .reference = [=](const auto& in) { return over_axes(in[0], {axis}, keepdim, summary); },
                      .differentiable = false});
  rows.push_back({.op = op,
                  .what = "all",
                  .shapes = {image},
                  .f = [=](const Tensors& in) { return f(in[0], std::optional<std::int64_t>(), false); },
                  .reference = [=](const auto& in) { return over_axes(in[0], {}, false, summary); },
                  .differentiable = false});
}

/// Four blocks with four groups of their own, in runs of two.
const Groups groups{4, 4, 2};
std::size_t group_of(std::size_t i, std::size_t size) { return i / (size / 4) * 4 + i / 2 % 4; }

OpRow group_sum_row() {
  return {.op = "group_sum",
          .shapes = {{96}},
          .large = {{64000}},
          .f = [](const Tensors& in) { return group_sum(in[0], groups, MemoryOrder::row_major); },
          .reference =
              [](const auto& in) {
                Values out{{16}, std::vector<double>(16)};
                const auto& x = in[0].flat;
                for (std::size_t i = 0; i < x.size(); ++i) out.flat[group_of(i, x.size())] += x[i];
                return out;
              }};
}
OpRow spread_row() {
  return {.op = "spread",
          .shapes = {{16}},
          .large = {{16}},
          .f = [](const Tensors& in) { return spread(in[0], groups, {64000}, MemoryOrder::row_major); },
          .reference =
              [](const auto& in) {
                return by_index({64000}, [&](const Index& i) {
                  return in[0].flat[group_of(static_cast<std::size_t>(i[0]), 64000)];
                });
              }};
}
OpRow sum_to_row() {
  return {.op = "sum",
          .what = "to_shape",
          .shapes = {image},
          .f =
              [](const Tensors& in) {
                return sum_to(in[0], {4, 1, 5});
              },
          .reference =
              [](const auto& in) {
                return by_index({4, 1, 5}, [&](const Index& to) {
                  double total = 0;
                  for (std::int64_t n = 0; n < 2; ++n)
                    for (std::int64_t h = 0; h < 3; ++h) total += in[0].at({n, to[0], h, to[2]});
                  return total;
                });
              }};
}
OpRow expand_row(const std::string& what, const Shape& from, const Shape& to, MemoryOrder order) {
  return {.op = "expand",
          .what = what,
          .shapes = {from},
          .large = to == large_image ? std::vector{from} : std::vector<Shape>(),
          .f = [=](const Tensors& in) { return expand(in[0], to, order); },
          .reference =
              [=](const auto& in) {
                return by_index(to, [&](const Index& i) { return in[0].broadcast_at(i); });
              }};
}

}  // namespace

std::vector<OpRow> reduce_rows() {
  std::vector<OpRow> rows;
  add_reduction(
      rows, "sum", [](auto& x, auto& axes, bool keep) { return sum(x, {.axes = axes, .keepdim = keep}); },
      sum_of);
  add_reduction(
      rows, "mean", [](auto& x, auto& axes, bool keep) { return mean(x, {.axes = axes, .keepdim = keep}); },
      mean_of);
  add_reduction(
      rows, "max", [](auto& x, auto& axes, bool keep) { return max(x, {.axes = axes, .keepdim = keep}); },
      max_of);
  add_reduction(
      rows, "min", [](auto& x, auto& axes, bool keep) { return min(x, {.axes = axes, .keepdim = keep}); },
      min_of);
  for (const double correction : {0, 1})
    add_reduction(
        rows, "var",
        [=](auto& x, auto& axes, bool keep) {
          return var(x, {.axes = axes, .keepdim = keep, .correction = correction});
        },
        [=](const Elements& v) { return squares_of(v) / (static_cast<double>(v.size()) - correction); },
        correction == 0 ? "_biased" : "");
  add_arg(
      rows, "argmax", [](auto& x, auto axis, bool keep) { return argmax(x, axis, keep); }, argmax_of);
  add_arg(
      rows, "argmin", [](auto& x, auto axis, bool keep) { return argmin(x, axis, keep); }, argmin_of);

  rows.push_back(sum_to_row());
  rows.push_back(group_sum_row());
  rows.push_back(spread_row());
  rows.push_back(expand_row("", {4, 1, 5}, image, MemoryOrder::channels_last));
  rows.push_back(expand_row("per_channel", {1, 4, 1, 1}, large_image, MemoryOrder::row_major));
  return rows;
}

}  // namespace evenkeel::testing
