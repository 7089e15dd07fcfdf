/// The corners of elementwise losses; their values stand in tests/golden.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

using Values = std::vector<double>;

struct Named {
  const char* name;
  Tensor (*loss)(const Tensor& x, const Tensor& target, Reduction reduction);
};
const Named all[]{
    {"mse_loss",
     [](const Tensor& x, const Tensor& t, Reduction r) { return mse_loss(x, t, {.reduction = r}); }},
    {"l1_loss",
     [](const Tensor& x, const Tensor& t, Reduction r) { return l1_loss(x, t, {.reduction = r}); }},
    {"binary_cross_entropy_with_logits",
     [](const Tensor& x, const Tensor& t, Reduction r) {
       return binary_cross_entropy_with_logits(x, t, {.reduction = r});
     }},
};

TEST(Loss, RefusesWhatDoesNotFit) {
  for (const auto& each : all) {
    const std::string op = each.name;
    const auto loss = each.loss;
    expect_error(
        [&] {
          loss(zeros({2, 3}), zeros({3}), Reduction::mean);
        },
        op + ": target float32 [3] does not fit input float32 [2, 3]");
    expect_error([&] { loss(zeros({2}), zeros({2}, {.dtype = DType::float64}), Reduction::mean); },
                 op + ": target float64 [2] does not fit input float32 [2]");
    expect_error([&] { loss(arange(2), arange(2), Reduction::mean); }, op + ": expected float32 or float64");
    expect_error([&] { loss(Tensor(), zeros({2}), Reduction::mean); }, "undefined");
  }
}

TEST(Loss, OfNothingIsNanOrZero) {
  for (const auto& [name, loss] : all) {
    const Tensor x = zeros({0, 3}, {.requires_grad = true}), target = zeros({0, 3});
    EXPECT_TRUE(std::isnan(loss(x, target, Reduction::mean).item<double>())) << name;
    EXPECT_EQ(loss(x, target, Reduction::sum).item<double>(), 0) << name;
    EXPECT_EQ(loss(x, target, Reduction::none).shape(), Shape({0, 3})) << name;
    loss(x, target, Reduction::mean).backward();
    EXPECT_EQ(x.grad().shape(), Shape({0, 3})) << name;
  }
}

TEST(Loss, SumsInDouble) {
  // In float32 the many small terms after the large one would all be lost.
  std::vector<float> values(40001, 0.25f);
  values[0] = 1 << 14;
  const Tensor x = Tensor::from(values, {40001}), target = zeros({40001});
  EXPECT_EQ(mse_loss(x, target, {.reduction = Reduction::sum}).item<double>(), 0x1p28 + 40000 * 0.0625 - 4);
  EXPECT_EQ(l1_loss(x, target, {.reduction = Reduction::sum}).item<double>(), 0x1p14 + 40000 * 0.25);
}

TEST(Loss, IsTheSameInBothOrdersAndForEveryNumberOfThreads) {
  for (const auto& [name, loss] : all) {
    std::vector<Array> gradients_of;
    const Shape shape{2, 5, 40, 61};
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
      std::vector<Array> values;
      for (const int threads : {1, 2, 3}) {
        set_num_threads(threads);
        const Tensor x(in_order(normal_array(shape, 3), order), true), target(normal_array(shape, 4));
        const Tensor y = loss(x, target, Reduction::mean);
        y.backward();
        values.push_back(y.value());
        gradients_of.push_back(x.grad().value());
      }
      for (const auto& value : values) EXPECT_TRUE(same_bits(value, values[0])) << name;
    }
    set_num_threads(0);
    for (const auto& value : gradients_of) EXPECT_TRUE(same_bits(value, gradients_of[0])) << name;
  }
}

TEST(L1Loss, HasNoGradientAtZeroAndForNan) {
  const Tensor x = Tensor::from({std::nan(""), 1., 3., -2.}, {4}, {.requires_grad = true});
  const Tensor loss = l1_loss(x, Tensor::from({0., 1., 1., 0.}, {4}), {.reduction = Reduction::none});
  EXPECT_TRUE(std::isnan(loss.at<double>({0})));
  loss.backward(ones({4}, {.dtype = DType::float64}));
  EXPECT_EQ(x.grad().to_vector(), Values({0, 0, 1, -1}));
}

TEST(BinaryCrossEntropy, TakesHugeLogits) {
  const Tensor x = Tensor::from({1000., -1000., 1000., -1000.}, {4}, {.requires_grad = true});
  const Tensor target = Tensor::from({1., 0., 0., 1.}, {4});
  const Tensor loss = binary_cross_entropy_with_logits(x, target, {.reduction = Reduction::none});
  EXPECT_EQ(loss.to_vector(), Values({0, 0, 1000, 1000}));
  loss.backward(ones({4}, {.dtype = DType::float64}));
  EXPECT_EQ(x.grad().to_vector(), Values({0, 0, 1, -1}));
}

TEST(BinaryCrossEntropy, ChecksItsWeights) {
  const Tensor x = zeros({2, 3}), wide = ones({4, 2, 3});
  expect_error([&] { binary_cross_entropy_with_logits(x, x, {.weight = wide}); },
               "weight [4, 2, 3] does not broadcast to input [2, 3]");
  expect_error([&] { binary_cross_entropy_with_logits(x, x, {.pos_weight = ones({2})}); },
               "binary_cross_entropy_with_logits: float32 [2, 3] does not fit float32 [2]");
  expect_error(
      [&] { binary_cross_entropy_with_logits(x, x, {.weight = ones({3}, {.dtype = DType::float64})}); },
      "weight float64 [3] does not fit input float32 [2, 3]");
  expect_error(
      [&] { binary_cross_entropy_with_logits(x, x, {.pos_weight = ones({3}, {.requires_grad = true})}); },
      "pos_weight requires a gradient");
}

}  // namespace
}  // namespace evenkeel
