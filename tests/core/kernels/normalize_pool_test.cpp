#include <evenkeel/core/kernels/normalize_pool.h>
#include <evenkeel/core/kernels/pool.h>
#include <evenkeel/core/kernels/stream.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace evenkeel {
namespace {

using namespace testing;
using kernels::NormalizedMaxPool;
using kernels::NormalizeGradients;

constexpr auto channels_last = MemoryOrder::channels_last;

struct Case {
  Array x, gamma, beta;
  Window window;
  Normalization how = {groups_of_channels(x), groups_of_channels(x), 1e-5, true, x.order()};

  std::string name() const {
    std::ostringstream text;
    text << x.dtype() << ' ' << x.shape() << (is_channels_last(x) ? " channels-last" : "") << ", window "
         << window.kernel << ", stride " << window.stride << ", padding " << window.padding;
    return text.str();
  }
  NormalizedMaxPool forward() const { return kernels::normalize_max_pool2d(x, gamma, beta, how, window); }
  NormalizeGradients backward(const NormalizedMaxPool& found, const Array& dy) const {
    return kernels::normalize_max_pool2d_backward(dy, found, x, gamma, how, window, {});
  }
};
Case case_of(const Shape& shape, const Window& window, DType dtype = DType::float32,
             MemoryOrder order = channels_last) {
  return {normal_array(shape, 1, dtype, order, 0.5), normal_array({shape[1]}, 2, dtype),
          normal_array({shape[1]}, 3, dtype), window};
}

/// Relative to the largest of them; NaN is equal to NaN.
double distance(const Array& got, const Array& expected) {
  double apart = 0, largest = 0;
  const auto a = doubles(got), b = doubles(expected);
  EXPECT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (std::isnan(b[i]) && std::isnan(a[i])) continue;
    apart = std::max(apart, std::isnan(a[i] - b[i]) ? 1 : std::abs(a[i] - b[i]));
    largest = std::max(largest, std::abs(b[i]));
  }
  return apart == 0 ? 0 : apart / largest;
}

/// By the kernels that it is made of: values and taps bit for bit, gradients up to the order of double sums.
void expect_both_in_turn(const Case& c, bool one_sweep) {
  const NormalizedMaxPool got = c.forward();
  const auto [y, moments] = kernels::normalize(c.x, c.gamma, c.beta, c.how);
  const auto [values, taps] = kernels::max_pool2d(y, c.window);
  EXPECT_EQ(got.x_at_maxima.defined(), one_sweep) << c.name();
  EXPECT_TRUE(same_bits(got.values, values) && same_bits(got.taps, taps)) << c.name();
  EXPECT_TRUE(same_bits(got.moments.mean, moments.mean) && same_bits(got.moments.var, moments.var))
      << c.name();
  EXPECT_EQ(got.moments.count, moments.count);
  if (one_sweep) {
    EXPECT_TRUE(same_bits(got.x_at_maxima, kernels::max_pool2d_pick(c.x, taps, c.window))) << c.name();
  }
  const Array dy = normal_array(values.shape(), 4, c.x.dtype(), c.x.order());
  const auto gradients = c.backward(got, dy);
  const auto expected =
      kernels::normalize_backward(kernels::max_pool2d_adjoint(dy, taps, c.x.shape(), c.window), c.x, c.gamma,
                                  moments.mean, moments.var, c.how, {});
  const double tolerance = c.x.dtype() == DType::float32 ? 2e-7 : 1e-14;
  EXPECT_EQ(gradients.x.order(), expected.x.order());
  EXPECT_LE(distance(gradients.x, expected.x), tolerance) << c.name();
  EXPECT_LE(distance(gradients.gamma, expected.gamma), tolerance) << c.name();
  EXPECT_LE(distance(gradients.beta, expected.beta), tolerance) << c.name();
}

TEST(NormalizeMaxPool, IsBothInTurn) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const std::int64_t channels : {16, 20, 64, 80, 129}) {
      const Shape even{3, channels, 6, 12}, odd{3, channels, 5, 7};
      const bool has_vectors = channels != 129;  // the last channel is less than a vector
      expect_both_in_turn(case_of(even, {2, 2}, dtype), has_vectors);
      expect_both_in_turn(case_of(even, {3, 3}, dtype), has_vectors);
      expect_both_in_turn(case_of(even, {{1, 4}, {1, 4}}, dtype), has_vectors);
      expect_both_in_turn(case_of(even, {2, 2, 1}, dtype), has_vectors);
      expect_both_in_turn(case_of(odd, {2, 2, 0, 1, true}, dtype), has_vectors);
      expect_both_in_turn(case_of(odd, {2, 2}, dtype), false);     // leaves some elements out
      expect_both_in_turn(case_of(odd, {3, 2, 1}, dtype), false);  // overlaps
      expect_both_in_turn(case_of(even, {2, 2}, dtype, MemoryOrder::row_major), false);
    }
  expect_both_in_turn(case_of({3, 3, 6, 12}, {2, 2}), false);
}

TEST(NormalizeMaxPool, IsBothInTurnOfLargeImages) {
  expect_both_in_turn(case_of({4, 16, 124, 132}, {2, 2}), true);  // threads share the sums
  const Case huge = case_of({8, 64, 66, 64}, {2, 2});
  ASSERT_TRUE(kernels::is_past_caches(huge.x.size() * 4));
  expect_both_in_turn(huge, true);
}

TEST(NormalizeMaxPool, IsBothInTurnWithoutScales) {
  Case c = case_of({2, 32, 4, 8}, {2, 2});
  c.gamma = c.beta = Array();
  expect_both_in_turn(c, true);
}

TEST(NormalizeMaxPool, IsBothInTurnForOtherPartitions) {
  Case c = case_of({2, 32, 4, 8}, {2, 2});
  c.how.moments = groups_of_samples(c.x, 8);
  expect_both_in_turn(c, false);
  c.how.moments = groups_of_samples(c.x, 32);
  expect_both_in_turn(c, false);
}

TEST(NormalizeMaxPool, IsBothInTurnForExtremeChannels) {
  for (const float scale : {1e30F, 1e-25F}) {
    Case c = case_of({2, 32, 4, 8}, {2, 2});
    c.how.eps = 0;
    for (float& v : c.x.mutable_stored<float>()) v *= scale;
    expect_both_in_turn(c, false);
  }
  Case steep = case_of({2, 32, 4, 8}, {2, 2});  // in the backward alone: the slope is beyond floats
  steep.how.eps = 0;
  for (float& v : steep.x.mutable_stored<float>()) v *= 3e-12F;
  for (float& v : steep.gamma.mutable_stored<float>()) v *= 5e17F;
  expect_both_in_turn(steep, true);
}

TEST(NormalizeMaxPool, TakesTheFirstOfEqualElements) {
  Case c = case_of({2, 32, 4, 8}, {2, 2});
  for (float& v : c.x.mutable_stored<float>()) v = std::round(v);
  expect_both_in_turn(c, true);
  std::ranges::fill(c.x.mutable_stored<float>(), 3.F);  // and a constant is beta
  expect_both_in_turn(c, true);
}

TEST(NormalizeMaxPool, PassesOnWhatIsNotFinite) {
  for (const float value : {std::numeric_limits<float>::infinity(), -std::numeric_limits<float>::infinity(),
                            std::numeric_limits<float>::quiet_NaN()}) {
    Case c = case_of({2, 32, 4, 8}, {2, 2});
    c.x.mutable_stored<float>()[37] = value;
    const auto got = c.forward();
    const auto [y, moments] = kernels::normalize(c.x, c.gamma, c.beta, c.how);
    const auto [values, taps] = kernels::max_pool2d(y, c.window);
    EXPECT_EQ(distance(got.values, values), 0) << value;  // NaN in channel 5, elsewhere the bits
    const Array dy = normal_array(values.shape(), 4, DType::float32, channels_last);
    const auto gradients = c.backward(got, dy);
    const auto expected =
        kernels::normalize_backward(kernels::max_pool2d_adjoint(dy, taps, c.x.shape(), c.window), c.x,
                                    c.gamma, moments.mean, moments.var, c.how, {});
    EXPECT_LE(distance(gradients.x, expected.x), 2e-7) << value;
    EXPECT_LE(distance(gradients.gamma, expected.gamma), 2e-7) << value;
    EXPECT_LE(distance(gradients.beta, expected.beta), 2e-7) << value;
  }
}

TEST(NormalizeMaxPool, HasTheSameBitsForAnyNumberOfThreads) {
  const Case c = case_of({4, 16, 124, 132}, {2, 2});
  const auto run = [&](int threads) {
    set_num_threads(threads);
    const auto found = c.forward();
    const auto gradients =
        c.backward(found, normal_array(found.values.shape(), 4, DType::float32, channels_last));
    set_num_threads(0);
    return std::vector<Array>{found.values, found.taps,      found.moments.mean, found.moments.var,
                              gradients.x,  gradients.gamma, gradients.beta};
  };
  const auto one = run(1);
  for (const int threads : {2, 3, 4, 8}) {
    const auto many = run(threads);
    for (std::size_t i = 0; i < one.size(); ++i)
      EXPECT_TRUE(same_bits(one[i], many[i])) << threads << ", " << i;
  }
}

}  // namespace
}  // namespace evenkeel
