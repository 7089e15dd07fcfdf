/// The corners of activations and softmax; their values stand in tests/golden.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();
using Values = std::vector<double>;

struct Named {
  const char* name;
  Tensor (*op)(const Tensor&);
};
const Named all[]{
    {"relu", relu},
    {"leaky_relu", [](const Tensor& x) { return leaky_relu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x); }},
    {"gelu", [](const Tensor& x) { return gelu(x, {.approximate = Gelu::tanh}); }},
    {"silu", silu},
    {"sigmoid", sigmoid},
    {"tanh", tanh},
    {"softplus", [](const Tensor& x) { return softplus(x); }},
    {"softmax", [](const Tensor& x) { return softmax(x, 1); }},
    {"log_softmax", [](const Tensor& x) { return log_softmax(x, 1); }},
};

/// What y and dy/dx are for a cotangent of ones; NaN as 1e300, which compares equal to itself.
std::pair<Values, Values> at(const Named& each, const Values& points) {
  const Tensor x = Tensor::from(points, {static_cast<std::int64_t>(points.size())}, {.requires_grad = true});
  const Tensor y = each.op(x);
  y.backward(ones({x.size()}, {.dtype = DType::float64}));
  auto values = y.to_vector(), slopes = x.grad().to_vector();
  for (auto* const list : {&values, &slopes})
    std::ranges::replace_if(
        *list, [](double v) { return std::isnan(v); }, 1e300);
  return {values, slopes};
}

TEST(Activation, TakesFloatingTensorsOnly) {
  for (const auto& each : all) {
    expect_error([&] { each.op(arange(3)); },
                 std::string(each.name) + ": expected float32 or float64, got int64");
    expect_error([&] { each.op(Tensor()); }, "undefined");
    const Tensor empty = zeros({0, 3}, {.requires_grad = true}), y = each.op(empty);
    EXPECT_EQ(y.shape(), Shape({0, 3}));
    sum(y).backward();
    EXPECT_EQ(empty.grad().shape(), Shape({0, 3}));
  }
  expect_error([&] { softmax(zeros({2, 3}), 2); }, "axis 2 of shape [2, 3] does not exist");
  expect_error([&] { log_softmax(zeros({2, 3}), -3); }, "axis -3");
}

TEST(Activation, NanAndInfinitiesGoWhereTheyGoInPyTorch) {
  const Values points{nan, -infinity, infinity, 0};
  const double none = 1e300;
  EXPECT_EQ(at(all[0], points), std::pair(Values({none, 0, infinity, 0}), Values({1, 0, 1, 0})));
  EXPECT_EQ(at(all[1], points),
            std::pair(Values({none, -infinity, infinity, 0}), Values({0.01, 0.01, 1, 0.01})));
  for (const int smooth : {2, 3, 4})  // 0 * infinity
    EXPECT_EQ(at(all[smooth], points),
              std::pair(Values({none, none, infinity, 0}), Values({none, none, none, 0.5})));
  EXPECT_EQ(at(all[5], points), std::pair(Values({none, 0, 1, 0.5}), Values({none, 0, 0, 0.25})));
  EXPECT_EQ(at(all[6], points), std::pair(Values({none, -1, 1, 0}), Values({none, 0, 0, 1})));
  EXPECT_EQ(at(all[7], points),
            std::pair(Values({none, 0, infinity, std::log(2.0)}), Values({none, 0, 1, 0.5})));
}

TEST(Activation, ReluKeepsItsOutputRatherThanItsInput) {
  const Tensor x = Tensor::from({-1., 2.}, {2}, {.requires_grad = true});
  const Tensor given = x.detach().to(DType::float32).to(DType::float64);
  given.set_requires_grad(true);
  const Tensor y = relu(given);
  given.detach().fill_(5);
  y.backward(ones({2}, {.dtype = DType::float64}));
  EXPECT_EQ(given.grad().to_vector(), Values({0, 1}));
}

TEST(Activation, IsTheSameInBothOrdersAndForEveryNumberOfThreads) {
  for (const auto& each : all) {
    std::vector<Array> results;
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last})
      for (const int threads : {1, 2, 3}) {
        set_num_threads(threads);
        const Tensor x(in_order(normal_array({3, 7, 40, 31}, 5), order), true), y = each.op(x);
        y.backward(Tensor(normal_array({3, 7, 40, 31}, 6)));
        EXPECT_EQ(y.stored().order(), order) << each.name;
        EXPECT_EQ(x.grad().stored().order(), order) << each.name;
        results.push_back(y.value());
        results.push_back(x.grad().value());
      }
    set_num_threads(0);
    for (std::size_t i = 2; i < results.size(); ++i)
      EXPECT_TRUE(same_bits(results[i], results[i % 2])) << each.name << ' ' << i;
  }
}

TEST(Softmax, IsRightToTheLastBitsOfFloat) {
  const Array x = normal_array({50, 37}, 8, DType::float32);
  Array large = x.clone();
  for (float& v : large.mutable_data<float>()) v *= 20;
  for (const Array& given : {x, large}) {
    const auto narrow = softmax(Tensor(given), 1).to_vector<float>(),
               logs = log_softmax(Tensor(given), 1).to_vector<float>();
    const auto values = doubles(given);
    for (std::size_t row = 0; row < 50; ++row) {
      double sum = 0;
      for (std::size_t c = 0; c < 37; ++c) sum += std::exp(values[row * 37 + c]);
      for (std::size_t c = 0; c < 37; ++c) {
        const auto i = row * 37 + c;
        const double exact = std::exp(values[i]) / sum, exact_log = values[i] - std::log(sum);
        EXPECT_NEAR(narrow[i], exact, 1.5 * std::abs(exact) * 0x1p-23 + 1e-45);
        EXPECT_NEAR(logs[i], exact_log, std::abs(exact_log) * 0x1p-24 + 1e-14);
      }
    }
  }
}

TEST(Softmax, ShiftsLargeElements) {
  const Tensor x = Tensor::from({1e30, 0., 1e4, 1e4 + 1, -1e308, -1e308}, {3, 2});
  const double e = std::exp(1.0);
  const auto y = softmax(x, 1).to_vector(), logs = log_softmax(x, -1).to_vector();
  EXPECT_EQ(y[0], 1);
  EXPECT_EQ(y[1], 0);
  EXPECT_DOUBLE_EQ(y[2], 1 / (1 + e));
  EXPECT_DOUBLE_EQ(y[3], e / (1 + e));
  EXPECT_EQ(y[4], 0.5);
  EXPECT_EQ(logs[0], 0);
  EXPECT_EQ(logs[1], -1e30);
  EXPECT_DOUBLE_EQ(logs[3], -std::log1p(1 / e));
}

TEST(Softmax, OneBadElementSpoilsItsLineOnly) {
  for (const double bad : {nan, infinity}) {
    const Tensor x = Tensor::from({0., bad, 0., 0.}, {2, 2});
    for (const auto& y : {softmax(x, 1).to_vector(), log_softmax(x, 1).to_vector()}) {
      EXPECT_TRUE(std::isnan(y[0]) || bad == infinity);
      EXPECT_TRUE(std::isnan(y[1]));
      EXPECT_FALSE(std::isnan(y[2]) || std::isnan(y[3]));
    }
  }
  EXPECT_EQ(softmax(Tensor::from({-infinity, 0., 0.}, {3}), 0).to_vector(), Values({0, 0.5, 0.5}));
  EXPECT_TRUE(std::isnan(softmax(Tensor::from({-infinity, -infinity}, {2}), 0).to_vector()[0]));
}

/// torch.softmax(torch.tensor(3.), 0) is 1, and so is that along -1.
TEST(Softmax, OfAScalarIsOne) {
  for (const std::int64_t axis : {0, -1}) {
    const Tensor x = Tensor::from({3.}, {}, {.requires_grad = true}), y = softmax(x, axis);
    EXPECT_EQ(y.shape(), Shape{});
    EXPECT_EQ(y.item(), 1);
    EXPECT_EQ(log_softmax(x, axis).item(), 0);
    sum(stack({y, log_softmax(x, axis)})).backward();
    EXPECT_EQ(x.grad().item(), 0);
  }
  EXPECT_THROW(softmax(Tensor::from({3.}, {}), 1), ArgumentError);
}

TEST(Softmax, RunsAlongAnyAxis) {
  const Shape shape{2, 3, 4, 5, 6};
  const Tensor x(normal_array(shape, 9, DType::float64));
  for (std::int64_t axis = 0; axis < 5; ++axis)
    for (const double total : sum(softmax(x, axis), {.axes = {axis}}).to_vector())
      EXPECT_NEAR(total, 1, 1e-14);
}

}  // namespace
}  // namespace evenkeel
