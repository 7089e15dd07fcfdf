#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/optim/clip.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/fed_parameter.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::feed;
using testing::normal_array;
using testing::parameter;
using testing::same_bits;

const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();

TEST(Clip, ScalesAllGradientsByOneNorm) {
  const Parameter a = parameter({0}), b = parameter({0}), without = parameter({7});
  feed(a, {3});
  feed(b, {-4});
  EXPECT_EQ(clip_grad_norm({a, without, b}, {.max_norm = 2.5}), 5);
  EXPECT_NEAR(a.grad().item(), 1.5, 1e-6);
  EXPECT_NEAR(b.grad().item(), -2, 1e-6);
  EXPECT_FALSE(without.has_grad());
}

TEST(Clip, LeavesSmallGradientsToTheBit) {
  const Parameter p(normal_array({100}, 1));
  const Array grad = normal_array({100}, 2);
  feed(p, grad);
  const auto version = p.grad().stored().version();
  EXPECT_GT(clip_grad_norm({p}, {.max_norm = 1000}), 0);
  EXPECT_GT(clip_grad_norm({p}, {.max_norm = inf}), 0);
  EXPECT_TRUE(same_bits(p.grad().stored(), grad));
  EXPECT_EQ(p.grad().stored().version(), version);
}

TEST(Clip, IsZeroWithoutGradients) {
  EXPECT_EQ(clip_grad_norm({}, {.max_norm = 1}), 0);
  EXPECT_EQ(clip_grad_norm({parameter({1})}, {.max_norm = 1}), 0);
  clip_grad_value({parameter({1})}, 1);
}

TEST(Clip, CountsAParameterOnce) {
  const Parameter p = parameter({0});
  feed(p, {4});
  EXPECT_EQ(clip_grad_norm({p, p}, {.max_norm = 2}), 4);
  EXPECT_NEAR(p.grad().item(), 2, 1e-6);
}

TEST(Clip, WritesWhereHandlesOfTheGradientLook) {
  const Parameter p = parameter({0});
  feed(p, {4});
  const Tensor grad = p.grad();
  clip_grad_norm({p}, {.max_norm = 2});
  EXPECT_NEAR(grad.item(), 2, 1e-6);
}

TEST(Clip, ScalesGradientsThatShareMemoryOnceEach) {
  const Parameter a = parameter({1}), b = parameter({1});
  const Tensor cotangent = Tensor::from({4.0}, {1});
  (a + b).backward(cotangent, {.create_graph = true});
  clip_grad_norm({a, b}, {.max_norm = std::sqrt(8)});
  EXPECT_NEAR(a.grad().item(), 2, 1e-6);
  EXPECT_NEAR(b.grad().item(), 2, 1e-6);
  EXPECT_EQ(cotangent.item(), 4);
}

TEST(Clip, NormsThatAreNotFinite) {
  const Parameter p = parameter({0, 0});
  for (const double bad : {nan, inf, -inf}) {
    feed(p, {bad, 1});
    for (const double norm_type : {1.0, 2.0, inf})
      expect_error(
          [&] { clip_grad_norm({p}, {.max_norm = 1, .norm_type = norm_type, .error_if_nonfinite = true}); },
          std::isnan(bad) ? "clip_grad_norm: the norm of the gradients is nan, nothing was clipped"
                          : "clip_grad_norm: the norm of the gradients is inf");
    EXPECT_EQ(p.grad().at({1}), 1);
  }
  feed(p, {inf, 1});
  EXPECT_EQ(clip_grad_norm({p}, {.max_norm = 1}), inf);
  EXPECT_TRUE(std::isnan(p.grad().at({0})));  // 0 * inf
  EXPECT_EQ(p.grad().at({1}), 0);
  feed(p, {nan, 1});
  EXPECT_TRUE(std::isnan(clip_grad_norm({p}, {.max_norm = 1})));
  EXPECT_TRUE(std::isnan(p.grad().at({1})));
}

TEST(Clip, SumsInDouble) {
  const Parameter p(Array({1 << 20}, DType::float32));
  feed(p, std::vector<double>(1 << 20, 0.1));
  EXPECT_NEAR(clip_grad_norm({p}, {.max_norm = inf}), 1024 * static_cast<double>(0.1f), 1e-10);
}

TEST(Clip, SameBitsForAnyNumberOfThreads) {
  const Parameter p(Array({70'001}, DType::float32));
  feed(p, normal_array({70'001}, 1));
  for (const double norm_type : {1.0, 2.0, 3.0, inf}) {
    set_num_threads(1);
    const double one = clip_grad_norm({p}, {.max_norm = inf, .norm_type = norm_type});
    for (const int threads : {2, 3, 8}) {
      set_num_threads(threads);
      EXPECT_EQ(clip_grad_norm({p}, {.max_norm = inf, .norm_type = norm_type}), one) << threads;
    }
    set_num_threads(0);
  }
}

TEST(Clip, LimitsValuesAndKeepsNan) {
  const Parameter p = parameter({0, 0, 0, 0});
  feed(p, {-3, 0.5, inf, nan});
  clip_grad_value({p}, 2);
  EXPECT_EQ(p.grad().at({0}), -2);
  EXPECT_EQ(p.grad().at({1}), 0.5);
  EXPECT_EQ(p.grad().at({2}), 2);
  EXPECT_TRUE(std::isnan(p.grad().at({3})));
}

TEST(Clip, RefusesBadOptions) {
  const Parameter p = parameter({0});
  feed(p, {1});
  expect_error([&] { clip_grad_norm({p}, {.max_norm = -1}); }, "clip_grad_norm: max_norm is -1");
  expect_error([&] { clip_grad_norm({p}, {.max_norm = nan}); }, "clip_grad_norm: max_norm is nan");
  expect_error([&] { clip_grad_norm({p}, {.max_norm = 1, .norm_type = 0}); },
               "clip_grad_norm: norm_type is 0");
  expect_error([&] { clip_grad_value({p}, -1); }, "clip_grad_value: clip_value is -1, expected at least 0");
  expect_error([&] { clip_grad_value({p}, nan); }, "clip_grad_value: clip_value is nan");
  EXPECT_EQ(p.grad().item(), 1);
}

}  // namespace
}  // namespace evenkeel
