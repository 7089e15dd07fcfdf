#include <evenkeel/autograd/ops/conv.h>
#include <evenkeel/tests/support/op_rows.h>

namespace evenkeel::testing {
namespace {

/// The definition, on [N, C, H, W].
Values conv2d_reference(const std::vector<Values>& in, const Conv2dOptions& o, const Shape& result) {
  const Shape &x = in[0].shape, &w = in[1].shape;
  const auto outputs_per_group = w[0] / o.groups;
  return by_index(result, [&](const Index& i) {
    const auto n = i[0], out = i[1];
    double total = in.size() > 2 ? in[2].at({out}) : 0;
    for (std::int64_t c = 0; c < w[1]; ++c)
      for (std::int64_t kh = 0; kh < w[2]; ++kh)
        for (std::int64_t kw = 0; kw < w[3]; ++kw) {
          const auto row = i[2] * o.stride.height - o.padding.height + kh * o.dilation.height;
          const auto column = i[3] * o.stride.width - o.padding.width + kw * o.dilation.width;
          if (row < 0 || row >= x[2] || column < 0 || column >= x[3]) continue;
          const auto channel = out / outputs_per_group * w[1] + c;
          total += in[0].at({n, channel, row, column}) * in[1].at({out, c, kh, kw});
        }
    return total;
  });
}

OpRow conv_row(const std::string& what, const std::vector<Shape>& shapes, const Shape& result,
               const Conv2dOptions& options, const std::vector<Shape>& large = {}) {
  return {
      .op = "conv2d",
      .what = what,
      .shapes = shapes,
      .large = large,
      .f = [=](const Tensors& in) { return conv2d(in[0], in[1], in.size() > 2 ? in[2] : Tensor(), options); },
      .reference = [=](const std::vector<Values>& in) { return conv2d_reference(in, options, result); }};
}

/// Logical shapes [N, H, W, C].
OpRow nhwc_row() {
  const Conv2dOptions nchw{.padding = 1};
  const auto permuted = [](const Values& x, const Index& axes, const Shape& shape) {
    return by_index(shape, [&](const Index& i) {
      Index from(4);
      for (std::size_t axis = 0; axis < 4; ++axis) from[static_cast<std::size_t>(axes[axis])] = i[axis];
      return x.at(from);
    });
  };
  return {.op = "conv2d",
          .what = "nhwc",
          .shapes = {{2, 4, 3, 3}, {2, 3, 3, 3}, {2}},
          .f =
              [](const Tensors& in) {
                return conv2d(in[0], in[1], in[2], {.padding = 1, .data_format = DataFormat::NHWC});
              },
          .reference =
              [=](const std::vector<Values>& in) {
                const Values x = permuted(in[0], {0, 3, 1, 2}, {2, 3, 4, 3});
                return permuted(conv2d_reference({x, in[1], in[2]}, nchw, {2, 2, 4, 3}), {0, 2, 3, 1},
                                {2, 4, 3, 2});
              }};
}
OpRow one_image_row() {
  const Conv2dOptions options{.stride = 2, .padding = 1};
  return {.op = "conv2d",
          .what = "one_image",
          .shapes = {{3, 5, 4}, {2, 3, 3, 3}, {2}},
          .f = [=](const Tensors& in) { return conv2d(in[0], in[1], in[2], options); },
          .reference =
              [=](std::vector<Values> in) {
                in[0].shape = Shape{1, 3, 5, 4};
                Values y = conv2d_reference(in, options, {1, 2, 3, 2});
                y.shape = Shape{2, 3, 2};
                return y;
              }};
}

}  // namespace

std::vector<OpRow> conv_rows() {
  std::vector<OpRow> rows{
      conv_row("", {{2, 3, 5, 4}, {4, 3, 3, 2}, {4}}, {2, 4, 3, 7}, {.stride = {2, 1}, .padding = {1, 2}}),
      conv_row("same", {{2, 4, 4, 3}, {4, 4, 3, 3}, {4}}, {2, 4, 4, 3}, {.padding = 1},
               {{5, 16, 20, 21}, {16, 16, 3, 3}, {16}}),
      conv_row("without_bias", {{1, 3, 4, 5}, {2, 3, 3, 3}}, {1, 2, 2, 3}, {}),
      conv_row("pointwise", {{2, 5, 3, 2}, {3, 5, 1, 1}}, {2, 3, 3, 2}, {},
               {{4, 32, 17, 18}, {24, 32, 1, 1}}),
      conv_row("strided", {{2, 3, 5, 5}, {2, 3, 3, 3}, {2}}, {2, 2, 3, 3}, {.stride = 2, .padding = 1},
               {{4, 12, 33, 31}, {20, 12, 3, 3}, {20}}),
      conv_row("groups_and_dilation", {{2, 4, 4, 3}, {6, 2, 2, 2}}, {2, 6, 2, 1},
               {.dilation = 2, .groups = 2}, {{3, 8, 33, 31}, {12, 4, 3, 3}}),
      conv_row("depthwise", {{2, 4, 4, 3}, {4, 1, 3, 3}, {4}}, {2, 4, 4, 3}, {.padding = 1, .groups = 4},
               {{4, 4, 40, 41}, {4, 1, 3, 3}, {4}}),
      nhwc_row(),
      one_image_row(),
  };
  // Small enough that rounding does not show in differences.
  for (auto& row : rows) row.draw = [](double v) { return v / 2; };
  return rows;
}

}  // namespace evenkeel::testing
