#include <evenkeel/core/kernels/conv.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/convolutions.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using kernels::conv2d;
using kernels::conv2d_input;
using kernels::conv2d_weight;
using testing::convolution;
using testing::doubles;
using testing::expect_products;
using testing::normal_array;
using testing::products;
using testing::Products;
using testing::same_bits;
using enum Convolution::Role;
using Index = std::int64_t;

constexpr Conv2dAlgorithm all_algorithms[]{Conv2dAlgorithm::automatic, Conv2dAlgorithm::accurate,
                                           Conv2dAlgorithm::direct};

constexpr Index windows[]{3, 5};

/// The padding is that of a 3 x 3 window; one of 5 x 5 takes one more, for the same output.
struct Case {
  Shape x;
  Index outputs, padding;

  Convolution with(Index window, Conv2dAlgorithm algorithm) const {
    return convolution(x, outputs, 1, {window, 1, padding + (window - 3) / 2}, algorithm);
  }
};
// Channels that fill vectors and that do not, few and many; images of whole tiles and of parts of one.
const Case cases[]{
    {{2, 16, 8, 8}, 16, 1},   {{2, 12, 7, 9}, 20, 1}, {{1, 24, 12, 16}, 40, 1}, {{1, 100, 5, 6}, 100, 1},
    {{5, 32, 4, 4}, 32, 1},   {{3, 8, 13, 6}, 9, 0},  {{1, 17, 6, 11}, 33, 2},  {{2, 9, 7, 7}, 8, 3},
    {{1, 16, 33, 32}, 48, 1}, {{40, 8, 2, 2}, 8, 1},  {{2, 130, 9, 9}, 72, 1},  {{1, 23, 10, 100}, 15, 1},
};

TEST(Winograd, IsTheDefinitionForAnyImageAndChannels) {
  for (const Case& c : cases)
    for (const auto window : windows)
      for (const auto algorithm : all_algorithms)
        for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last})
          expect_products(c.with(window, algorithm), DType::float32, order, 1e-5);
}

TEST(Winograd, AddsTheBias) {
  const Case c{{2, 11, 9, 10}, 21, 1};
  for (const auto window : windows)
    for (const auto algorithm : all_algorithms) {
      const Convolution conv = c.with(window, algorithm);
      const Array x = normal_array(conv.shape(input), 1), w = normal_array(conv.shape(weight), 2),
                  bias = normal_array({21}, 3);
      const auto with = doubles(conv2d(x, w, bias, conv)), without = doubles(conv2d(x, w, {}, conv));
      const auto b = doubles(bias);
      for (std::size_t i = 0; i < with.size(); ++i)
        ASSERT_NEAR(with[i], without[i] + b[i / 90 % 21], 1e-5) << i;
    }
}

TEST(Winograd, HasTheSameBitsForAnyNumberOfThreads) {
  for (const Case& c : cases)
    for (const auto window : windows)
      for (const auto algorithm : all_algorithms) {
        const Convolution conv = c.with(window, algorithm);
        set_num_threads(1);
        const Products one = products(conv);
        for (const int threads : {2, 3, 4, 8}) {
          set_num_threads(threads);
          const Products many = products(conv);
          EXPECT_TRUE(same_bits(one.y, many.y) && same_bits(one.dx, many.dx) && same_bits(one.dw, many.dw))
              << testing::text(conv, DType::float32, MemoryOrder::channels_last) << ", " << threads
              << " threads";
        }
        set_num_threads(0);
      }
}

/// Sample n alone, or all samples, channels-last.
Array sample(const Array& images, Index n) {
  const auto size = images.shape().count(1);
  const auto all = doubles(images);
  const std::vector<double> one(all.begin() + n * size, all.begin() + (n + 1) * size);
  return in_order(Array::from(one, images.shape().with(0, 1), DType::float32), MemoryOrder::channels_last);
}

TEST(Winograd, ASampleHasTheSameBitsInAnyBatch) {
  for (const Case& c :
       {Case{{7, 16, 8, 8}, 16, 1}, {{9, 12, 4, 4}, 20, 1}, {{5, 17, 13, 9}, 33, 2}, {{3, 3, 9, 9}, 8, 1}})
    for (const auto window : windows)
      for (const auto algorithm : all_algorithms) {
        const Convolution conv = c.with(window, algorithm),
                          alone = Case{c.x.with(0, 1), c.outputs, c.padding}.with(window, algorithm);
        const Array w = normal_array(conv.shape(weight), 2), images = normal_array(c.x, 1),
                    dy = normal_array(conv.shape(output), 3);
        const Array y = conv2d(images, w, {}, conv), dx = conv2d_input(dy, w, conv);
        for (Index n = 0; n < c.x[0]; ++n) {
          EXPECT_TRUE(same_bits(sample(y, n), conv2d(sample(images, n), w, {}, alone))) << c.x << ' ' << n;
          EXPECT_TRUE(same_bits(sample(dx, n), conv2d_input(sample(dy, n), w, alone))) << c.x << ' ' << n;
        }
      }
}

/// Normal values, but for one.
Array poisoned(const Shape& shape, Index at, float value) {
  Array a = normal_array(shape, 1);
  a.mutable_data<float>()[static_cast<std::size_t>(at)] = value;
  return a;
}
void expect_reached(const Array& got, const Array& expected) {
  const auto a = doubles(got), b = doubles(expected);
  for (std::size_t i = 0; i < a.size(); ++i) ASSERT_TRUE(std::isfinite(b[i]) || !std::isfinite(a[i]));
}
/// `conv` with one Inf or NaN in the input or in the output's gradient, against direct convolution.
void expect_reached(const Convolution& conv, Index at, float value) {
  Convolution direct = conv;
  direct.algorithm = Conv2dAlgorithm::direct;
  const Array x = poisoned(conv.shape(input), at, value), dy = poisoned(conv.shape(output), at, value),
              plain = normal_array(x.shape(), 5), w = normal_array(conv.shape(weight), 2);
  expect_reached(conv2d(x, w, {}, conv), conv2d(x, w, {}, direct));
  expect_reached(conv2d_input(dy, w, conv), conv2d_input(dy, w, direct));
  expect_reached(conv2d_weight(x, plain, conv), conv2d_weight(x, plain, direct));
  expect_reached(conv2d_weight(plain, dy, conv), conv2d_weight(plain, dy, direct));
}

TEST(Winograd, OneInfOrNaNReachesAtLeastWhatItReachesDirectly) {
  const Case c{{2, 8, 11, 10}, 8, 1};
  for (const float value : {std::numeric_limits<float>::infinity(), std::numeric_limits<float>::quiet_NaN()})
    for (const auto window : windows)
      for (const auto algorithm : {Conv2dAlgorithm::automatic, Conv2dAlgorithm::accurate})
        for (Index at = 0; at < c.x.count(); at += 223) expect_reached(c.with(window, algorithm), at, value);
}

/// The largest error over the root mean square of the exact values.
double error(const Array& got, const Array& exact) {
  const auto a = doubles(got), b = doubles(exact);
  double most = 0, squares = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    most = std::max(most, std::abs(a[i] - b[i]));
    squares += b[i] * b[i];
  }
  return most / std::sqrt(squares / static_cast<double>(b.size()));
}

/// Errors of the output, the gradient of the input and that of the weight, by algorithm.
using Errors = std::array<std::array<double, 3>, 3>;
Errors errors(Convolution conv, const Array& x) {
  const Array w = normal_array(conv.shape(weight), 2), dy = normal_array(conv.shape(output), 3);
  const auto wide = [](const Array& a) { return Array::from(doubles(a), a.shape(), DType::float64); };
  const std::array exact{kernels::conv2d_reference(output, wide(x), wide(w), conv),
                         kernels::conv2d_reference(input, wide(dy), wide(w), conv),
                         kernels::conv2d_reference(weight, wide(x), wide(dy), conv)};
  Errors found{};
  for (const auto algorithm : all_algorithms) {
    conv.algorithm = algorithm;
    found[static_cast<std::size_t>(algorithm)] = {error(conv2d(x, w, {}, conv), exact[0]),
                                                  error(conv2d_input(dy, w, conv), exact[1]),
                                                  error(conv2d_weight(x, dy, conv), exact[2])};
  }
  return found;
}

// Direct sums the gradient of the weight band by band, so more exactly than one chain: there, others cannot
// stay as close to it as elsewhere, and are held to a share of the values too.
TEST(Winograd, RoundsAsItsAlgorithmPromises) {
  for (const Shape& shape : {Shape{3, 16, 32, 32}, {3, 32, 16, 16}, {8, 64, 8, 8}})
    for (const std::string inputs : {"N(0, 1)", "after ReLU", "N(10, 1)"}) {
      Array x = normal_array(shape, 1, DType::float32, MemoryOrder::row_major, inputs == "N(10, 1)" ? 10 : 0);
      if (inputs == "after ReLU")
        for (float& value : x.mutable_data<float>()) value = std::max(value, 0.F);
      for (const auto window : windows) {
        const auto [fast, accurate, direct] = errors(Case{shape, shape[1], 1}.with(window, {}), x);
        const auto what = inputs + ' ' + std::to_string(window);
        for (const std::size_t product : {0U, 1U}) {
          EXPECT_LE(accurate[product], direct[product]) << shape << what << product;
          EXPECT_LE(fast[product], (window == 3 ? 3.5 : 1.5) * direct[product]) << shape << what << product;
          EXPECT_LE(direct[product], 6e-6) << shape << what << product;
        }
        EXPECT_LE(accurate[2], 3 * direct[2]) << shape << what;
        EXPECT_LE(fast[2], 12 * direct[2]) << shape << what;
        EXPECT_LE(direct[2], 2e-6) << shape << what;
        EXPECT_LE(fast[2], 6e-6) << shape << what;
      }
    }
}

}  // namespace
}  // namespace evenkeel
