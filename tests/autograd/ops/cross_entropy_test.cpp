/// The corners of the losses over classes; their values stand in tests/golden.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

constexpr double infinity = std::numeric_limits<double>::infinity();
const double nan = std::numeric_limits<double>::quiet_NaN();

Tensor scores(const Shape& shape, DType dtype = DType::float64) {
  return Tensor(normal_array(shape, 3, dtype), true);
}
Tensor classes(std::initializer_list<std::int64_t> values) {
  return Tensor::from(values, {static_cast<std::int64_t>(values.size())});
}

TEST(CrossEntropy, RefusesWhatDoesNotFit) {
  const Tensor x = scores({3, 4}), target = classes({0, 1, 2});
  expect_error([&] { cross_entropy(Tensor(), target); }, "undefined");
  expect_error([&] { cross_entropy(arange(3), target); },
               "cross_entropy: expected float32 or float64, got int64");
  expect_error([&] { cross_entropy(scores({}), target); }, "got a scalar");
  expect_error(
      [&] {
        cross_entropy(x, classes({0, 1}));
      },
      "cross_entropy: target [2] does not fit scores [3, 4]; expected class indices [3]");
  expect_error([&] { cross_entropy(scores({2, 4, 5}), scores({2, 5})); }, "expected int64 class indices");
  expect_error([&] { cross_entropy(x, x.to(DType::float32)); }, "expected probabilities of float64");
  expect_error([&] { cross_entropy(x, zeros({3, 4}, {.dtype = DType::int64})); }, "no axis of classes");
  expect_error([&] { cross_entropy(x, x.detach(), {.ignore_index = 0}); }, "ignore_index 0 is not supported");
  for (const double smoothing : {-0.1, 1.1, nan})
    expect_error([&] { cross_entropy(x, target, {.label_smoothing = smoothing}); },
                 "label_smoothing must be between 0 and 1");
  expect_error([&] { cross_entropy(x, target, {.weight = ones({3}, {.dtype = DType::float64})}); },
               "weight float64 [3] does not fit scores float64 [3, 4]");
  expect_error([&] { cross_entropy(x, target, {.weight = ones({4})}); }, "weight float32 [4]");
  expect_error([&] { cross_entropy(x, target, {.weight = scores({4})}); }, "weight requires a gradient");
  expect_error([&] { nll_loss(x, x.detach()); }, "nll_loss: target [3, 4] does not fit scores [3, 4]");
}

TEST(CrossEntropy, RefusesAClassOutOfRange) {
  const Tensor x = scores({3, 4});
  expect_error(
      [&] {
        cross_entropy(x, classes({0, 4, 1}));
      },
      "cross_entropy: Target 4 is out of bounds (element 1)");
  expect_error([&] { cross_entropy(x, classes({0, 1, -1})); }, "Target -1 is out of bounds (element 2)");
  expect_error([&] { cross_entropy(x, classes({-100, 0, 1}), {.ignore_index = 2}); }, "or ignore_index 2");
  expect_error([&] { nll_loss(x, classes({9, 0, 1})); }, "nll_loss: Target 9 is out of bounds");
}

TEST(CrossEntropy, OfNothingIsNanOrZero) {
  const Tensor x = scores({0, 4}), target = zeros({0}, {.dtype = DType::int64});
  EXPECT_TRUE(std::isnan(cross_entropy(x, target).item<double>()));
  EXPECT_EQ(cross_entropy(x, target, {.reduction = Reduction::sum}).item<double>(), 0);
  EXPECT_EQ(cross_entropy(x, target, {.reduction = Reduction::none}).shape(), Shape{0});
  cross_entropy(x, target).backward();
  EXPECT_EQ(x.grad().shape(), Shape({0, 4}));
}

TEST(CrossEntropy, AllIgnoredIsNanWithoutGradient) {
  const Tensor x = scores({2, 3});
  for (const double smoothing : {0.0, 0.1}) {
    const Tensor loss = cross_entropy(x, classes({-100, -100}), {.label_smoothing = smoothing});
    EXPECT_TRUE(std::isnan(loss.item<double>()));
    for (const bool create_graph : {false, true}) {
      const auto grads = gradients(loss, {x}, {.retain_graph = true, .create_graph = create_graph});
      EXPECT_EQ(grads[0].to_vector(), std::vector<double>(6, 0.0));
    }
  }
}

TEST(CrossEntropy, OfOneClassIsZero) {
  const Tensor x = scores({3, 1});
  const Tensor loss = cross_entropy(x, classes({0, 0, 0}));
  EXPECT_EQ(loss.item<double>(), 0);
  loss.backward();
  EXPECT_EQ(x.grad().to_vector(), std::vector<double>(3, 0.0));
}

TEST(CrossEntropy, TakesHugeScores) {
  const Tensor x = Tensor::from({1e30, 0., -1e30, 1e4, 1e4, -1e4}, {2, 3}, {.requires_grad = true});
  const Tensor loss = cross_entropy(x, classes({0, 1}), {.reduction = Reduction::none});
  EXPECT_EQ(loss.at<double>({0}), 0);
  EXPECT_DOUBLE_EQ(loss.at<double>({1}), std::log(2.0));
  sum(loss).backward();
  EXPECT_EQ(x.grad().to_vector(), (std::vector<double>{0, 0, 0, 0.5, -0.5, 0}));
  EXPECT_EQ(cross_entropy(x, classes({2, 0}), {.reduction = Reduction::none}).at<double>({0}), 2e30);
}

TEST(CrossEntropy, InfiniteAndNanScoresSpreadAsInPyTorch) {
  const auto loss = [](std::initializer_list<double> row, std::int64_t target, double smoothing = 0) {
    const Tensor x = Tensor::from(row, {1, static_cast<std::int64_t>(row.size())});
    return cross_entropy(x, classes({target}), {.label_smoothing = smoothing}).item<double>();
  };
  EXPECT_DOUBLE_EQ(loss({0, -infinity, 0}, 0), std::log(2.0));
  EXPECT_EQ(loss({0, -infinity, 0}, 1), infinity);
  EXPECT_EQ(loss({0, -infinity, 0}, 0, 0.1), infinity);
  EXPECT_TRUE(std::isnan(loss({0, infinity, 0}, 0)));
  EXPECT_TRUE(std::isnan(loss({0, nan, 0}, 0)));
  EXPECT_TRUE(std::isnan(loss({-infinity, -infinity}, 0)));
}

TEST(CrossEntropy, AnIgnoredRowHasNoLossWhateverItsScores) {
  const Tensor x = Tensor::from({nan, 1., 0., 2.}, {2, 2}, {.requires_grad = true});
  const Tensor loss = cross_entropy(x, classes({-100, 0}));
  EXPECT_DOUBLE_EQ(loss.item<double>(), std::log(std::exp(0.0) + std::exp(2.0)));
  const Tensor logs = Tensor::from({-infinity, 1., -3., 2.}, {2, 2});
  EXPECT_EQ(nll_loss(logs, classes({-100, 0}), {.reduction = Reduction::sum}).item<double>(), 3);
}

TEST(CrossEntropy, IsTheSameForEveryNumberOfThreadsAndInBothOrders) {
  const Tensor target = Tensor::from(std::vector<std::int64_t>(3 * 40 * 50, 5), {3, 40, 50});
  std::vector<Array> results;
  for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last})
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      const Tensor x(in_order(normal_array({3, 11, 40, 50}, 7), order), true);
      const Tensor loss = cross_entropy(x, target, {.label_smoothing = 0.1});
      loss.backward();
      EXPECT_EQ(x.grad().stored().order(), order);
      results.push_back(loss.value());
      results.push_back(x.grad().value());
    }
  set_num_threads(0);
  for (std::size_t i = 2; i < results.size(); ++i) EXPECT_TRUE(same_bits(results[i], results[i % 2])) << i;
}

}  // namespace
}  // namespace evenkeel
