#include <evenkeel/core/kernels/conv.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/stream.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/convolutions.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <limits>

namespace evenkeel {
namespace {

using kernels::conv2d;
using kernels::conv2d_input;
using kernels::conv2d_reference;
using kernels::conv2d_weight;
using testing::convolution;
using testing::doubles;
using testing::expect_products;
using testing::largest;
using testing::normal_array;
using testing::products;
using testing::same_bits;
using testing::text;
using enum Convolution::Role;
using Index = std::int64_t;

constexpr MemoryOrder both_orders[]{MemoryOrder::row_major, MemoryOrder::channels_last};

TEST(Conv2dReference, IsTheSumOverTapsOfAPaddedImage) {
  const Shape xs{2, 4, 5, 6};
  const Window window{{3, 2}, {2, 1}, {1, 2}, {1, 2}};
  const Convolution conv = convolution(xs, 6, 2, window);
  const Array x = normal_array(xs, 1, DType::float64),
              w = normal_array(conv.shape(weight), 2, DType::float64);
  const Shape &s = conv.shape(output), &ws = conv.shape(weight);
  const auto xv = doubles(x), wv = doubles(w), y = doubles(conv2d_reference(output, x, w, conv));
  const Index height = xs[2] + 2, width = xs[3] + 4;
  std::vector<double> padded(static_cast<std::size_t>(xs[0] * xs[1] * height * width));
  for (Index plane = 0; plane < xs[0] * xs[1]; ++plane)
    for (Index h = 0; h < xs[2]; ++h)
      for (Index v = 0; v < xs[3]; ++v)
        padded[static_cast<std::size_t>((plane * height + h + 1) * width + v + 2)] =
            xv[static_cast<std::size_t>((plane * xs[2] + h) * xs[3] + v)];
  std::size_t k = 0;
  for (Index n = 0; n < s[0]; ++n)
    for (Index o = 0; o < s[1]; ++o)
      for (Index i = 0; i < s[2]; ++i)
        for (Index j = 0; j < s[3]; ++j, ++k) {
          double sum = 0;
          for (Index c = 0; c < 2; ++c)
            for (Index a = 0; a < 3; ++a)
              for (Index b = 0; b < 2; ++b)
                sum += padded[static_cast<std::size_t>(
                           ((n * 4 + o / 3 * 2 + c) * height + 2 * i + a) * width + j + 2 * b)] *
                       wv[static_cast<std::size_t>(((o * ws[1] + c) * 3 + a) * 2 + b)];
          ASSERT_NEAR(y[k], sum, 1e-12) << k;
        }
  // The other two are its adjoints: <y(x, w), dy> = <x, dx(dy, w)> = <w, dw(x, dy)>.
  const Array dy = normal_array(s, 3, DType::float64);
  const auto dot = [](const std::vector<double>& a, const std::vector<double>& b) {
    double sum = 0;
    for (std::size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
    return sum;
  };
  EXPECT_NEAR(dot(xv, doubles(conv2d_reference(input, dy, w, conv))), dot(y, doubles(dy)), 1e-9);
  EXPECT_NEAR(dot(wv, doubles(conv2d_reference(weight, x, dy, conv))), dot(y, doubles(dy)), 1e-9);
}

struct Case {
  Shape x;
  Index outputs, groups;
  Window window;
};
const Case cases[]{
    {{2, 3, 8, 8}, 16, 1, {3, 1, 1}},
    {{2, 1, 7, 7}, 5, 1, {3, 1, 1}},
    {{1, 5, 13, 7}, 17, 1, {3, 2, 1}},
    {{3, 16, 7, 7}, 16, 1, {1}},
    {{2, 17, 6, 5}, 33, 1, {1, 2}},
    {{2, 4, 9, 9}, 6, 2, {3, 1, 1}},
    {{2, 6, 9, 9}, 6, 6, {3, 1, 1}},
    {{2, 4, 23, 37}, 4, 4, {3, 1, 1}},
    {{1, 3, 9, 18}, 3, 3, {3}},
    {{2, 3, 5, 16}, 3, 3, {3, 1, 1}},  // planes read where they lie, as wide as one vector of each machine
    {{2, 3, 5, 8}, 3, 3, {3, 1, 1}},
    {{2, 3, 5, 4}, 3, 3, {3, 1, 1}},
    {{2, 3, 5, 2}, 3, 3, {3, 1, 1}},
    {{1, 2, 61, 33}, 2, 2, {3, 1, 1}},  // of several vectors, in several bands
    {{3, 2, 1, 17}, 2, 2, {3, 1, 1}},
    {{1, 2, 2, 31}, 2, 2, {3, 1, 1}},
    {{2, 2, 6, 32}, 2, 2, {3, 1, 1}},
    {{1, 2, 7, 33}, 2, 2, {3, 1, {0, 1}}},  // and copied
    {{1, 2, 7, 33}, 2, 2, {3, 1, {1, 0}}},
    {{2, 6, 9, 8}, 12, 6, {3, 2, 1}},
    {{1, 20, 9, 8}, 20, 20, {{3, 5}, {1, 2}, {1, 2}}},
    {{3, 37, 9, 8}, 37, 37, {3, 2, 1}},
    {{2, 64, 6, 7}, 64, 64, {5, 1, 2}},
    {{2, 16, 5, 5}, 16, 16, {1, 3}},
    {{1, 3, 90, 70}, 3, 3, {{5, 3}, 1, {1, 0}, {2, 1}}},
    {{3, 5, 4, 3}, 5, 5, {2, 1, 3}},
    {{2, 48, 7, 6}, 32, 4, {3, 2, 1}},
    {{1, 300, 4, 5}, 24, 1, {3, 2, 1}},
    {{2, 85, 5, 6}, 130, 1, {3, 2, 1}},  // three vectors of channels at a time, forward and back
    {{2, 8, 12, 11}, 8, 1, {3, 1, 2, 2}},
    {{1, 3, 11, 12}, 4, 1, {{2, 5}, {3, 2}, {0, 3}, {2, 1}}},
    {{2, 4, 1, 1}, 8, 1, {3, 1, 1}},
    {{1, 2, 2, 2}, 3, 1, {5, 1, 4}},
    {{1, 2, 3, 3}, 3, 1, {1, 1, 2}},
    {{1, 4, 8, 8}, 4, 1, {7, 2, 3}},
    {{1, 16, 4, 4}, 16, 1, {4, 4}},
    {{1, 5, 4, 1}, 3, 1, {{2, 1}}},
    {{2, 3, 9, 8}, 33, 1, {3, 2, 1}},
    {{2, 40, 7, 6}, 2, 1, {3, 1, 1}},
    {{1, 1, 12, 9}, 20, 1, {5, 1, 2}},
    {{3, 33, 5, 5}, 4, 1, {1}},
};

TEST(Conv2d, IsTheDefinitionForAnyGeometry) {
  for (const auto& [x, outputs, groups, window] : cases)
    for (const auto order : both_orders) {
      const Convolution conv = convolution(x, outputs, groups, window);
      expect_products(conv, DType::float64, order, 1e-12);
      expect_products(conv, DType::float32, order, 1e-5);
    }
}

TEST(Conv2d, OfPlanesIsTheDefinitionPastTheCaches) {
  // Planes that are read where they lie, that are copied, and channels-last ones of whole vectors.
  for (const Shape& x : {Shape{26, 32, 51, 57}, {5, 9, 229, 230}})
    for (const Index padding : {1, 2})
      for (const auto order : both_orders) {
        ASSERT_TRUE(kernels::is_past_caches(x.count() * 4));
        expect_products(convolution(x, x[1], x[1], {3, 1, padding}), DType::float32, order, 1e-5);
      }
}

TEST(Conv2d, AddsTheBias) {
  for (const std::size_t outputs : {19U, 3U})
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Convolution conv = convolution({2, 5, 7, 6}, static_cast<Index>(outputs), 1, {3, 1, 1});
      const Array x = normal_array(conv.shape(input), 1, dtype),
                  w = normal_array(conv.shape(weight), 2, dtype),
                  bias = normal_array({static_cast<Index>(outputs)}, 3, dtype);
      const auto with = doubles(conv2d(x, w, bias, conv)), without = doubles(conv2d(x, w, {}, conv));
      const auto b = doubles(bias);
      for (std::size_t i = 0; i < with.size(); ++i)
        ASSERT_NEAR(with[i], without[i] + b[i / 42 % outputs], 1e-5) << i;
    }
}

TEST(Conv2d, OfNothingIsZeroOrEmpty) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const auto& [x, outputs] : {std::pair<Shape, Index>{{0, 3, 5, 5}, 4},
                                     {{2, 0, 5, 5}, 4},
                                     {{2, 3, 5, 5}, 0},
                                     {{2, 3, 0, 5}, 4}}) {
      const Convolution conv = convolution(x, outputs, 1, {3, 1, 2});
      const Array in(x, dtype), w(conv.shape(weight), dtype), dy(conv.shape(output), dtype);
      EXPECT_EQ(largest(doubles(conv2d(in, w, {}, conv))), 0) << x;
      EXPECT_EQ(conv2d_input(dy, w, conv).shape(), x);
      EXPECT_EQ(conv2d_weight(in, dy, conv).shape(), conv.shape(weight));
      EXPECT_EQ(largest(doubles(conv2d_input(dy, w, conv))), 0) << x;
      EXPECT_EQ(largest(doubles(conv2d_weight(in, dy, conv))), 0) << x;
      const Array y = conv2d(in, w, normal_array({outputs}, 1, dtype), conv);
      EXPECT_EQ(y.shape(), conv.shape(output));
    }
}

TEST(Conv2d, HasTheSameBitsInBothOrders) {
  for (const auto& [x, outputs, groups, window] : cases)
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Convolution conv = convolution(x, outputs, groups, window);
      const auto [y, dx, dw] = products(conv, dtype, MemoryOrder::row_major);
      const auto [y_last, dx_last, dw_last] = products(conv, dtype, MemoryOrder::channels_last);
      const auto what = text(conv, dtype, MemoryOrder::row_major);
      EXPECT_TRUE(same_bits(row_major(y), row_major(y_last)) && same_bits(row_major(dx), row_major(dx_last)))
          << what;
      // Plane by plane, a depthwise weight's gradient is summed along rows instead of down channels.
      EXPECT_TRUE(kernels::conv2d_keeps_row_major(conv, dtype) || same_bits(dw, dw_last)) << what;
    }
}

TEST(Conv2d, OfPlanesKeepsTheirOrder) {
  const Convolution conv = convolution({2, 20, 9, 7}, 20, 20, {3, 1, 1});
  const Array x = normal_array({2, 20, 9, 7}, 1), w = normal_array(conv.shape(weight), 2);
  for (const auto order : both_orders) {
    EXPECT_EQ(conv2d(in_order(x, order), w, {}, conv).order(), order);
    EXPECT_EQ(conv2d_input(in_order(x, order), w, conv).order(), order);
  }
  // Of two orders, the weight's gradient goes by channels.
  EXPECT_TRUE(same_bits(conv2d_weight(x, in_order(x, MemoryOrder::channels_last), conv),
                        conv2d_weight(in_order(x, MemoryOrder::channels_last), x, conv)));
}

TEST(Conv2d, OfPlanesSpreadsAnInfOnlyToTheWeightsThatMeetIt) {
  const Convolution conv = convolution({1, 2, 3, 5}, 2, 2, {3});
  Array x({1, 2, 3, 5}, DType::float32);
  x.mutable_data<float>()[4] =
      std::numeric_limits<float>::infinity();  // seen by the last column of the window
  const Array dy = kernels::full(conv.shape(output), DType::float32, 1);
  const auto dw = doubles(conv2d_weight(x, dy, conv));
  for (std::size_t i = 0; i < dw.size(); ++i)
    EXPECT_EQ(dw[i], i == 2 ? std::numeric_limits<double>::infinity() : 0) << i;
}

TEST(Conv2d, OfPlanesSpreadsAnInfToItsNeighboursAndNoFurther) {
  constexpr auto inf = std::numeric_limits<double>::infinity();
  constexpr Index height = 3, width = 21;
  const Convolution conv = convolution({2, 2, height, width}, 2, 2, {3, 1, 1});
  const auto is_near = [](Index a, Index b) { return std::abs(a - b) <= 1; };
  for (const DType dtype : {DType::float32, DType::float64})
    for (Index at = 0; at < height * width; ++at) {
      const auto row = at / width, column = at % width;
      Array x(conv.shape(input), dtype);
      dispatch_floating(dtype, [&]<class T>() {  // in the second plane
        x.mutable_data<T>()[static_cast<std::size_t>(height * width + at)] = static_cast<T>(inf);
      });
      const Array ones = kernels::full(conv.shape(weight), dtype, 1),
                  dy = kernels::full(conv.shape(output), dtype, 1);
      for (const auto& values : {doubles(conv2d(x, ones, {}, conv)), doubles(conv2d_input(x, ones, conv))})
        for (Index i = 0; i < conv.shape(output).count(); ++i) {
          const bool meets =
              i / (height * width) == 1 && is_near(i / width % height, row) && is_near(i % width, column);
          ASSERT_EQ(values[static_cast<std::size_t>(i)], meets ? inf : 0) << at << " " << i;
        }
      const auto dw = doubles(conv2d_weight(x, dy, conv));
      for (Index i = 0; i < 18; ++i) {  // through tap (i, j), windows at row - i + 1, column - j + 1
        const auto to_row = row - i % 9 / 3 + 1, to_column = column - i % 3 + 1;
        const bool meets = i >= 9 && to_row >= 0 && to_row < height && to_column >= 0 && to_column < width;
        ASSERT_EQ(dw[static_cast<std::size_t>(i)], meets ? inf : 0) << at << " " << i;
      }
    }
}

TEST(Conv2d, HasTheSameBitsForAnyNumberOfThreads) {
  for (const auto& [x, outputs, groups, window] : cases) {
    const Convolution conv = convolution(x, outputs, groups, window);
    const Array image = normal_array(x, 1), w = normal_array(conv.shape(weight), 2),
                dy = normal_array(conv.shape(output), 3);
    const auto all = [&] {
      return std::array{conv2d(image, w, {}, conv), conv2d_input(dy, w, conv),
                        conv2d_weight(image, dy, conv)};
    };
    set_num_threads(1);
    const auto one = all();
    for (const int threads : {2, 3, 4, 8}) {
      set_num_threads(threads);
      const auto many = all();
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_TRUE(same_bits(one[i], many[i]))
            << text(conv, DType::float32, image.order()) << ", product " << i;
    }
    set_num_threads(0);
  }
}

}  // namespace
}  // namespace evenkeel
