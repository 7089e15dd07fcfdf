#include <evenkeel/autograd/ops/pool.h>
#include <evenkeel/tests/support/op_rows.h>

#include <algorithm>
#include <limits>

namespace evenkeel::testing {
namespace {

const Shape image{2, 4, 3, 5};
const std::vector<Shape> large{{3, 4, 61, 67}};

/// Calls f(row, column) for the cells of one window that lie inside the image.
template <class F>
void for_each_inside(const Index& out, Size2 kernel, Size2 stride, Size2 padding, Size2 dilation,
                     const Shape& x, F f) {
  for (std::int64_t kh = 0; kh < kernel.height; ++kh)
    for (std::int64_t kw = 0; kw < kernel.width; ++kw) {
      const auto row = out[2] * stride.height - padding.height + kh * dilation.height;
      const auto column = out[3] * stride.width - padding.width + kw * dilation.width;
      if (row >= 0 && row < x[2] && column >= 0 && column < x[3]) f(row, column);
    }
}

OpRow max_row(const std::string& what, const MaxPool2dOptions& o, const Shape& result) {
  return {.op = "max_pool2d",
          .what = what,
          .shapes = {image},
          .large = large,
          .f = [=](const Tensors& in) { return max_pool2d(in[0], o); },
          .reference =
              [=](const std::vector<Values>& in) {
                return by_index(result, [&](const Index& i) {
                  double best = -std::numeric_limits<double>::infinity();
                  for_each_inside(i, o.kernel_size, o.stride.value_or(o.kernel_size), o.padding, o.dilation,
                                  image, [&](std::int64_t row, std::int64_t column) {
                                    best = std::max(best, in[0].at({i[0], i[1], row, column}));
                                  });
                  return best;
                });
              }};
}

OpRow average_row(const std::string& what, const AvgPool2dOptions& o, const Shape& result) {
  return {.op = "avg_pool2d",
          .what = what,
          .shapes = {image},
          .large = large,
          .f = [=](const Tensors& in) { return avg_pool2d(in[0], o); },
          .reference =
              [=](const std::vector<Values>& in) {
                const Size2 stride = o.stride.value_or(o.kernel_size);
                // A window that ceil_mode adds does not count what lies behind the padding.
                const auto length = [](std::int64_t out, std::int64_t kernel, std::int64_t step,
                                       std::int64_t pad, std::int64_t size) {
                  return std::min(out * step - pad + kernel, size + pad) - (out * step - pad);
                };
                return by_index(result, [&](const Index& i) {
                  double total = 0, inside = 0;
                  for_each_inside(i, o.kernel_size, stride, o.padding, 1, image,
                                  [&](std::int64_t row, std::int64_t column) {
                                    total += in[0].at({i[0], i[1], row, column});
                                    ++inside;
                                  });
                  const auto cells = length(i[2], o.kernel_size.height, stride.height, o.padding.height, 3) *
                                     length(i[3], o.kernel_size.width, stride.width, o.padding.width, 5);
                  return total / (o.count_include_pad ? static_cast<double>(cells) : inside);
                });
              }};
}

OpRow adaptive_row(const std::string& what, Size2 size) {
  return {.op = "adaptive_avg_pool2d",
          .what = what,
          .shapes = {image},
          .large = large,
          .f = [=](const Tensors& in) { return adaptive_avg_pool2d(in[0], {.output_size = size}); },
          .reference =
              [=](const std::vector<Values>& in) {
                return by_index({2, 4, size.height, size.width}, [&](const Index& i) {
                  double total = 0, cells = 0;
                  for (auto row = i[2] * 3 / size.height; row * size.height < (i[2] + 1) * 3; ++row)
                    for (auto column = i[3] * 5 / size.width; column * size.width < (i[3] + 1) * 5;
                         ++column) {
                      total += in[0].at({i[0], i[1], row, column});
                      ++cells;
                    }
                  return total / cells;
                });
              }};
}

/// One channel last: [N, H, W, 1] pools as [N, 1, H, W].
OpRow nhwc_row() {
  return {.op = "avg_pool2d",
          .what = "nhwc",
          .shapes = {{2, 4, 5, 3}},
          .f =
              [](const Tensors& in) {
                return avg_pool2d(in[0], {.kernel_size = {4, 5}, .data_format = DataFormat::NHWC});
              },
          .reference =
              [](const std::vector<Values>& in) {
                return by_index({2, 1, 1, 3}, [&](const Index& i) {
                  double total = 0;
                  for (std::int64_t row = 0; row < 4; ++row)
                    for (std::int64_t column = 0; column < 5; ++column)
                      total += in[0].at({i[0], row, column, i[3]}) / 20;
                  return total;
                });
              }};
}

}  // namespace

std::vector<OpRow> pool_rows() {
  return {
      max_row("", {.kernel_size = 2}, {2, 4, 1, 2}),
      max_row("overlapping", {.kernel_size = {2, 3}, .stride = 1, .padding = 1}, {2, 4, 4, 5}),
      max_row("ceil_and_dilation", {.kernel_size = 2, .stride = 2, .dilation = {1, 2}, .ceil_mode = true},
              {2, 4, 2, 2}),
      average_row("", {.kernel_size = 2}, {2, 4, 1, 2}),
      average_row("padded", {.kernel_size = {2, 3}, .stride = 1, .padding = 1}, {2, 4, 4, 5}),
      average_row("padding_not_counted",
                  {.kernel_size = {2, 3}, .stride = 1, .padding = 1, .count_include_pad = false},
                  {2, 4, 4, 5}),
      average_row("ceil", {.kernel_size = 2, .stride = 2, .ceil_mode = true}, {2, 4, 2, 3}),
      adaptive_row("", {2, 3}),
      adaptive_row("global", 1),
      adaptive_row("enlarged", {4, 7}),
      nhwc_row(),
  };
}

}  // namespace evenkeel::testing
