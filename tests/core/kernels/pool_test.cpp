#include <evenkeel/core/kernels/pool.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numeric>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

constexpr MemoryOrder both_orders[]{MemoryOrder::row_major, MemoryOrder::channels_last};
constexpr DType both_dtypes[]{DType::float32, DType::float64};
const double nan = std::numeric_limits<double>::quiet_NaN();

struct Case {
  Shape shape;
  Window window;
};
const Case cases[]{
    {{2, 3, 6, 6}, {2, 2}},
    {{2, 5, 14, 14}, {2, 2}},  // rows of fewer outputs than a vector has lanes
    {{2, 3, 10, 10}, {3, 2, 1}},
    {{2, 2, 8, 74}, {2, 2}},  // every pixel in one window, in vectors that overlap
    {{1, 70, 4, 6}, {2, 2}},
    {{1, 21, 4, 6}, {2, 2}},
    {{1, 2, 4, 37}, {{2, 1}, {2, 1}}},
    {{2, 2, 9, 75}, {2, 2}},  // pixels in no window
    {{1, 2, 7, 5}, {3, 2, 1}},
    {{2, 70, 5, 6}, {{3, 2}, {1, 2}, {1, 0}}},
    {{1, 1, 9, 150}, {2, 2}},
    {{1, 2, 8, 9}, {3, {2, 3}, 1, 1, true}},
    {{2, 3, 7, 7}, {2, 2, 0, 1, true}},
    {{1, 2, 5, 5}, {2, 3, 1, 1, true}},
    {{1, 2, 9, 11}, {3, 1, 1, 2}},
    {{1, 2, 4, 4}, {4}},
    {{3, 1, 1, 1}, {1}},
    {{0, 3, 4, 4}, {2, 2}},
    {{2, 0, 4, 4}, {2, 2}},
    {{2, 5, 80, 1}, {{3, 1}, {2, 1}, {1, 0}}},
};

/// f({n, c, i, j}) for every window.
void for_each_window(const Shape& x, const Shape& y,
                     const std::function<void(const std::array<std::int64_t, 4>&)>& f) {
  ASSERT_EQ(x[0], y[0]);
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t c = 0; c < y[1]; ++c)
      for (std::int64_t i = 0; i < y[2]; ++i)
        for (std::int64_t j = 0; j < y[3]; ++j) f({n, c, i, j});
}

std::size_t at(const Shape& s, std::int64_t n, std::int64_t c, std::int64_t h, std::int64_t w) {
  return static_cast<std::size_t>(((n * s[1] + c) * s[2] + h) * s[3] + w);
}
std::size_t stored_at(const Shape& s, MemoryOrder order, std::int64_t n, std::int64_t c, std::int64_t h,
                      std::int64_t w) {
  return order == MemoryOrder::row_major ? at(s, n, c, h, w)
                                         : static_cast<std::size_t>(((n * s[2] + h) * s[3] + w) * s[1] + c);
}

/// 0, 1, 2, ... as they lie.
Array counted(const Shape& shape, DType dtype, MemoryOrder order) {
  Array a(shape, dtype, order);
  dispatch_floating(dtype, [&]<class T>() {
    auto values = a.mutable_stored<T>();
    std::iota(values.begin(), values.end(), T{0});
  });
  return a;
}

void expect_max(const Array& x, const Window& window, DType dtype_of_taps = DType::uint8) {
  const auto [values, taps] = kernels::max_pool2d(x, window);
  const Shape &s = x.shape(), &t = values.shape();
  ASSERT_EQ(values.order(), x.order());
  ASSERT_EQ(taps.order(), x.order());
  ASSERT_EQ(taps.dtype(), dtype_of_taps);
  const Array positions = kernels::max_pool2d_pick(counted(s, x.dtype(), x.order()), taps, window);
  const Array dy = normal_array(t, 2, x.dtype(), x.order());
  const auto in = doubles(x), out = doubles(values), where = doubles(positions), gradient = doubles(dy);
  std::vector<double> dx(in.size());
  for_each_window(s, t, [&](const std::array<std::int64_t, 4>& o) {
    const auto [n, c, i, j] = o;
    double best = -std::numeric_limits<double>::infinity();
    std::size_t position = 0, element = 0;
    bool any = false;
    for (std::int64_t a = 0; a < window.kernel.height; ++a)
      for (std::int64_t b = 0; b < window.kernel.width; ++b) {
        const auto h = window.row(i, a), w = window.column(j, b);
        if (h < 0 || w < 0 || h >= s[2] || w >= s[3]) continue;
        const double value = in[at(s, n, c, h, w)];
        if (!any || value > best || std::isnan(value)) {
          best = value;
          position = stored_at(s, x.order(), n, c, h, w);
          element = at(s, n, c, h, w);
        }
        any = true;
      }
    const auto k = at(t, n, c, i, j);
    ASSERT_TRUE(out[k] == best || (std::isnan(out[k]) && std::isnan(best))) << s << " at " << k;
    ASSERT_EQ(where[k], static_cast<double>(position)) << s << " at " << k;
    dx[element] += gradient[k];
  });
  const auto got = doubles(kernels::max_pool2d_adjoint(dy, taps, s, window));
  ASSERT_EQ(got.size(), dx.size());
  for (std::size_t i = 0; i < dx.size(); ++i) ASSERT_NEAR(got[i], dx[i], 1e-5) << s << " at " << i;
}

TEST(MaxPool, IsTheDefinitionInBothOrders) {
  for (const auto& [shape, window] : cases)
    for (const auto order : both_orders)
      for (const auto dtype : both_dtypes) expect_max(normal_array(shape, 1, dtype, order), window);
}

TEST(MaxPool, TakesNaNForTheLargestAndTheFirstOfEqualOnes) {
  for (const auto order : both_orders) {
    Array x({1, 2, 6, 8}, DType::float32, order);  // zeros: all equal
    expect_max(x, {2, 2});
    x.mutable_stored<float>()[5] = static_cast<float>(nan);
    x.mutable_stored<float>()[6] = static_cast<float>(nan);
    x.mutable_stored<float>()[7] = std::numeric_limits<float>::infinity();
    expect_max(x, {2, 2});
    expect_max(x, {3, 1, 1});
    const Array low =
        Array::from(std::vector<float>(16, -std::numeric_limits<float>::infinity()), {1, 1, 4, 4});
    expect_max(in_order(low, order), {2, 2});
  }
}

TEST(MaxPool, NumbersTheTapsOfLargeWindowsToo) {
  for (const auto order : both_orders)
    for (const auto dtype : both_dtypes) {
      expect_max(normal_array({1, 3, 20, 40}, 1, dtype, order), {16, 4});
      expect_max(normal_array({1, 3, 20, 40}, 1, dtype, order), {{16, 17}, 4}, DType::int64);
      expect_max(normal_array({1, 20, 20, 40}, 1, dtype, order), {{20, 40}}, DType::int64);
    }
}

TEST(MaxPool, TakesAGradientInEitherOrder) {
  const Window window{3, 2, 1};
  const Array x = normal_array({2, 20, 9, 8}, 1);
  const auto [values, taps] = kernels::max_pool2d(x, window);
  const Array dy = normal_array(values.shape(), 2);
  EXPECT_TRUE(same_bits(
      kernels::max_pool2d_adjoint(dy, taps, x.shape(), window),
      kernels::max_pool2d_adjoint(in_order(dy, MemoryOrder::channels_last), taps, x.shape(), window)));
}

TEST(MaxPool, RefusesWindowsWithoutElements) {
  const auto pool = [](const Shape& shape, const Window& window) {
    return [=] { kernels::max_pool2d(Array(shape, DType::float32), window); };
  };
  expect_error(pool({1, 1, 1, 1}, {2, 1, 1, 2}),
               "max_pool2d: a window lies wholly in the padding of input [1, 1, 1, 1]");
  expect_error(pool({1, 1, 0, 4}, {2, 1, 1}), "max_pool2d: a window lies wholly in the padding");
  expect_error(pool({1, 1, 4, 4}, {2, 1, 2}),
               "max_pool2d: padding should be at most half of kernel_size, got padding [2, 2]");
  expect_error(pool({1, 1, 2, 4}, {3}), "max_pool2d: a window of [3, 3]");
  expect_error(pool({1, 1, 4, 4}, {{0, 2}}), "max_pool2d: kernel_size must be positive");
  EXPECT_EQ(kernels::max_pool2d(Array({1, 1, 1, 1}, DType::float32), {1000001, 1, 500000}).values.size(), 1);
}

/// The taps of window o and the divisor of PyTorch's avg_pool2d, whose loops
/// these are.
struct Mean {
  double sum = 0, divisor = 1;
  std::vector<std::size_t> taps;
};
Mean mean_of(const Shape& s, const Window& p, bool count_include_pad, const std::array<std::int64_t, 4>& o) {
  const auto [n, c, i, j] = o;
  auto h0 = i * p.stride.height - p.padding.height, w0 = j * p.stride.width - p.padding.width;
  auto h1 = std::min(h0 + p.kernel.height, s[2] + p.padding.height),
       w1 = std::min(w0 + p.kernel.width, s[3] + p.padding.width);
  const auto with_padding = (h1 - h0) * (w1 - w0);
  h0 = std::max<std::int64_t>(h0, 0);
  w0 = std::max<std::int64_t>(w0, 0);
  h1 = std::min(h1, s[2]);
  w1 = std::min(w1, s[3]);
  Mean mean;
  if (h0 >= h1 || w0 >= w1) return mean;
  mean.divisor = static_cast<double>(count_include_pad ? with_padding : (h1 - h0) * (w1 - w0));
  for (auto h = h0; h < h1; ++h)
    for (auto w = w0; w < w1; ++w) mean.taps.push_back(at(s, n, c, h, w));
  return mean;
}

using MeanOf = std::function<Mean(const Shape&, const std::array<std::int64_t, 4>&)>;

void expect_means(const Array& x, const Array& y, const MeanOf& mean) {
  ASSERT_EQ(y.order(), x.order());
  const auto in = doubles(x), out = doubles(y);
  const double tolerance = x.dtype() == DType::float32 ? 1e-6 : 1e-14;
  for_each_window(x.shape(), y.shape(), [&](const std::array<std::int64_t, 4>& o) {
    auto m = mean(x.shape(), o);
    for (const auto tap : m.taps) m.sum += in[tap];
    ASSERT_NEAR(out[at(y.shape(), o[0], o[1], o[2], o[3])], m.sum / m.divisor, tolerance) << x.shape();
  });
}

void expect_shares(const Array& dx, const Array& dy, const MeanOf& mean) {
  ASSERT_EQ(dx.order(), dy.order());
  const auto shares = doubles(dy), got = doubles(dx);
  std::vector<double> expected(got.size());
  for_each_window(dx.shape(), dy.shape(), [&](const std::array<std::int64_t, 4>& o) {
    const auto m = mean(dx.shape(), o);
    for (const auto tap : m.taps) expected[tap] += shares[at(dy.shape(), o[0], o[1], o[2], o[3])] / m.divisor;
  });
  const double tolerance = dx.dtype() == DType::float32 ? 3e-6 : 1e-14;
  for (std::size_t i = 0; i < got.size(); ++i)
    ASSERT_NEAR(got[i], expected[i], tolerance) << dx.shape() << " at " << i;
}

TEST(AvgPool, DividesAsPyTorchAndSoDoesItsAdjoint) {
  for (const auto& [shape, geometry] : cases)
    for (const bool count_include_pad : {false, true})
      for (const auto order : both_orders)
        for (const auto dtype : both_dtypes) {
          Window window = geometry;
          window.dilation = 1;
          const MeanOf mean = [&](const Shape& s, const std::array<std::int64_t, 4>& o) {
            return mean_of(s, window, count_include_pad, o);
          };
          const Array x = normal_array(shape, 1, dtype, order);
          const Array y = kernels::avg_pool2d(x, window, count_include_pad);
          expect_means(x, y, mean);
          const Array dy = normal_array(y.shape(), 2, dtype, order);
          expect_shares(kernels::avg_pool2d_adjoint(dy, shape, window, count_include_pad), dy, mean);
        }
}

TEST(AvgPool, RefusesTooMuchPadding) {
  expect_error(
      [] {
        kernels::avg_pool2d(Array({1, 1, 4, 4}, DType::float32), {3, 1, 2}, true);
      },
      "avg_pool2d: padding should be at most half of kernel_size, got padding [2, 2] and kernel_size [3, 3]");
}

TEST(AdaptiveAvgPool, CoversAnyGrid) {
  const std::pair<Shape, Size2> grids[]{
      {{2, 3, 6, 6}, 1}, {{2, 3, 7, 5}, {3, 4}}, {{1, 70, 4, 4}, {2, 3}}, {{1, 2, 3, 4}, {7, 9}},
      {{2, 2, 5, 5}, 5}, {{0, 2, 5, 5}, 2},      {{1, 2, 5, 5}, {0, 3}},  {{2, 3, 56, 56}, 1}};
  for (const auto& [shape, cells] : grids)
    for (const auto order : both_orders)
      for (const auto dtype : both_dtypes) {
        const Size2 size = cells;  // a lambda of clang 14 captures no structured binding
        const MeanOf mean = [&](const Shape& s, const std::array<std::int64_t, 4>& o) {
          const auto begin = [](std::int64_t k, std::int64_t n, std::int64_t parts) { return k * n / parts; };
          const auto end = [](std::int64_t k, std::int64_t n, std::int64_t parts) {
            return ((k + 1) * n + parts - 1) / parts;
          };
          Mean m;
          for (auto h = begin(o[2], s[2], size.height); h < end(o[2], s[2], size.height); ++h)
            for (auto w = begin(o[3], s[3], size.width); w < end(o[3], s[3], size.width); ++w)
              m.taps.push_back(at(s, o[0], o[1], h, w));
          m.divisor = static_cast<double>(m.taps.size());
          return m;
        };
        const Array x = normal_array(shape, 1, dtype, order);
        const Array y = kernels::adaptive_avg_pool2d(x, size);
        ASSERT_EQ(y.shape(), (Shape{shape[0], shape[1], size.height, size.width}));
        expect_means(x, y, mean);
        const Array dy = normal_array(y.shape(), 2, dtype, order);
        expect_shares(kernels::adaptive_avg_pool2d_adjoint(dy, shape), dy, mean);
      }
  expect_error(
      [] {
        kernels::adaptive_avg_pool2d(Array({1, 2, 0, 4}, DType::float32), 2);
      },
      "adaptive_avg_pool2d: expected images of at least one pixel, got [1, 2, 0, 4]");
}

TEST(Pool, HasTheSameBitsForAnyNumberOfThreads) {
  for (const auto order : both_orders) {
    const Array x = normal_array({9, 20, 30, 30}, 1, DType::float32, order);
    const auto all = [&] {
      const auto [values, taps] = kernels::max_pool2d(x, {3, 2, 1});
      const Array means = kernels::avg_pool2d(x, {3, 2, 1}, true);
      return std::array{values,
                        taps,
                        means,
                        kernels::max_pool2d_adjoint(means, taps, x.shape(), {3, 2, 1}),
                        kernels::avg_pool2d_adjoint(means, x.shape(), {3, 2, 1}, true),
                        kernels::adaptive_avg_pool2d(x, {7, 3})};
    };
    set_num_threads(1);
    const auto one = all();
    for (const int threads : {2, 3, 4, 8}) {
      set_num_threads(threads);
      const auto many = all();
      for (std::size_t i = 0; i < one.size(); ++i)
        EXPECT_TRUE(same_bits(one[i], many[i])) << i << ", " << threads;
    }
    set_num_threads(0);
  }
}

}  // namespace
}  // namespace evenkeel
