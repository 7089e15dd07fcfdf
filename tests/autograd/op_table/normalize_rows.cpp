#include <evenkeel/autograd/ops/normalize.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/tests/support/op_rows.h>

#include <algorithm>
#include <cmath>

namespace evenkeel::testing {
namespace {

constexpr double eps = 1e-3, given_mean = 0.3, given_var = 0.7;
const Shape image{2, 4, 3, 5}, large_image{3, 4, 61, 67};

/// Which moments an element has, and which scale.
using KeyOf = std::function<std::int64_t(const Index&)>;

Values normalize_reference(const std::vector<Values>& in, const KeyOf& group, const KeyOf& scale,
                           bool of_input) {
  return by_index(in[0].shape, [&](const Index& own) {
    double n = 0, total = 0, squares = 0;
    const auto over_group = [&](auto visit) {
      by_index(in[0].shape, [&](const Index& i) {
        if (group(i) == group(own)) visit(in[0].at(i));
        return 0.0;
      });
    };
    over_group([&](double v) { total += v, ++n; });
    const double mean = of_input ? total / n : given_mean;
    over_group([&](double v) { squares += (v - mean) * (v - mean); });
    const double var = of_input ? squares / n : given_var;
    const auto at = static_cast<std::size_t>(scale(own));
    const double gamma = in.size() > 1 ? in[1].flat[at] : 1, beta = in.size() > 2 ? in[2].flat[at] : 0;
    return (in[0].at(own) - mean) / std::sqrt(var + eps) * gamma + beta;
  });
}

Tensor normalized(const Tensors& in, const Groups& moments, const Groups& affine, MemoryOrder order,
                  bool of_input) {
  const Normalization how{moments, affine, eps, of_input, order};
  const auto parameter = [&](std::size_t i) { return in.size() > i ? in[i] : Tensor(); };
  if (of_input) return normalize(in[0], parameter(1), parameter(2), how).output;
  const Moments given{kernels::full({moments.total()}, DType::float64, given_mean),
                      kernels::full({moments.total()}, DType::float64, given_var)};
  return normalize(in[0], parameter(1), parameter(2), given, how);
}

/// Of images in the order in which they come: `groups` for each sample, or 0 for those of a batch.
OpRow image_row(const std::string& what, std::int64_t groups, bool of_input, bool affine = true) {
  OpRow row{.op = "normalize",
            .what = what + (of_input ? "" : "_given_moments"),
            .shapes = {image},
            .large = {large_image},
            .f =
                [=](const Tensors& in) {
                  const Array& x = in[0].stored();
                  const Groups channels = groups_of_channels(x);
                  return normalized(in, groups == 0 ? channels : groups_of_samples(x, groups), channels,
                                    x.order(), of_input);
                },
            .reference =
                [=](const std::vector<Values>& in) {
                  const KeyOf channel = [](const Index&i) { return i[1]; },
                              of_sample = [=](const Index&i) { return i[0] * 4 + i[1] / (4 / groups); };
                  return normalize_reference(in, groups == 0 ? channel : of_sample, channel, of_input);
                }};
  if (affine)
    for (auto* shapes : {&row.shapes, &row.large}) shapes->insert(shapes->end(), {Shape{4}, Shape{4}});
  return row;
}

/// Over the last two axes.
OpRow layer_row(bool of_input) {
  return {.op = "normalize",
          .what = of_input ? "layer" : "layer_given_moments",
          .shapes = {image, {3, 5}, {3, 5}},
          .large = {large_image, {61, 67}, {61, 67}},
          .f =
              [=](const Tensors& in) {
                const auto columns = in[0].shape().count(2);
                return normalized(in, {1, in[0].size() / columns, columns}, {1, columns, 1},
                                  MemoryOrder::row_major, of_input);
              },
          .reference =
              [=](const std::vector<Values>& in) {
                return normalize_reference(
                    in, [](const Index& i) { return i[0] * 4 + i[1]; },
                    [](const Index& i) { return i[2] * 5 + i[3]; }, of_input);
              }};
}

/// Batch normalization and 2x2 pooling, in one sweep where images are channels-last and `width` is even.
OpRow max_pool_row(const std::string& what, std::int64_t width) {
  const Shape images{2, 16, 2, width};
  return {.op = "normalize_max_pool2d",
          .what = what,
          .shapes = {images, {16}, {16}},
          .large = {{3, 16, 62, 60 + width}, {16}, {16}},
          .f =
              [=](const Tensors& in) {
                const Array& x = in[0].stored();
                const Groups channels = groups_of_channels(x);
                return normalize_max_pool2d(in[0], in[1], in[2], {channels, channels, eps, true, x.order()},
                                            {2, 2})
                    .output;
              },
          .reference =
              [=](const std::vector<Values>& in) {
                const KeyOf channel = [](const Index& i) { return i[1]; };
                const Values y = normalize_reference(in, channel, channel, true);
                return by_index({2, 16, 1, width / 2}, [&](const Index& i) {
                  const auto at = [&](std::int64_t row, std::int64_t column) {
                    return y.at({i[0], i[1], 2 * i[2] + row, 2 * i[3] + column});
                  };
                  return std::max({at(0, 0), at(0, 1), at(1, 0), at(1, 1)});
                });
              }};
}

}  // namespace

std::vector<OpRow> normalize_rows() {
  std::vector<OpRow> rows{image_row("plain", 0, true, false)};
  for (const bool of_input : {true, false}) {
    rows.push_back(image_row("batch", 0, of_input));
    rows.push_back(image_row("group", 2, of_input));
    rows.push_back(image_row("instance", 4, of_input));
    rows.push_back(layer_row(of_input));
  }
  rows.push_back(max_pool_row("", 4));
  rows.push_back(max_pool_row("in_turn", 5));
  return rows;
}

}  // namespace evenkeel::testing
