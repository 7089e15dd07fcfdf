#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/normalize.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/parameter.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

namespace evenkeel {
namespace {

using testing::expect_error;
using Doubles = std::vector<double>;

Tensor leaf(const Shape& shape) { return randn(shape, {.requires_grad = true, .dtype = DType::float64}); }
std::uint64_t version_of(const Tensor& x) { return x.stored().version(); }

/// f must raise the version by one, and looking must not.
void expect_a_write(const Tensor& x, const std::function<void()>& f) {
  const auto before = version_of(x);
  f();
  EXPECT_EQ(version_of(x), before + 1);
  x.to_vector();
  x.value();
  (x * 2).item();
  EXPECT_EQ(version_of(x), before + 1);
}

TEST(Versions, CountEachWriteAndNoReading) {
  const Tensor x = Tensor::from({1.}, {1});
  expect_a_write(x, [&] { x.add_(1); });
  expect_a_write(x, [&] { x.add_(x); });
  expect_a_write(x, [&] { x.copy_(zeros({1}, {.dtype = DType::float32})); });
  expect_a_write(x, [&] { x.fill_(3); });
  const NoGrad no_grad;
  expect_a_write(x, [&] { x.fill_(4); });
}

TEST(Versions, OfAParameterCountItsWrites) {
  const Parameter weight(Array::from(Doubles{1}, {1}));
  expect_a_write(weight, [&] { weight.mutable_value().mutable_data<double>()[0] = 2; });
  expect_a_write(weight, [&] { weight.mutable_value().assign(Array::from(Doubles{5}, {1})); });
}

TEST(Versions, AreSharedByWhatSharesMemory) {
  const Tensor x = zeros({2, 2}), copy = x, detached = x.detach(), view = x.reshape({4}), other = x * 1;
  x.fill_(1);
  for (const Tensor& alias : {copy, detached, view}) {
    EXPECT_EQ(version_of(alias), version_of(x));
    EXPECT_EQ(alias.to_vector(), Doubles(4, 1));
  }
  EXPECT_LT(version_of(other), version_of(x));
  EXPECT_EQ(other.to_vector(), Doubles(4, 0));
}

TEST(Versions, ASavedOutputIsGuardedLikeAnInput) {
  const Tensor x = leaf({3}), y = exp(x);
  const Tensor loss = sum(y);
  y.add_(1);
  expect_error<GraphError>(
      [&] { loss.backward(); },
      "exp: a tensor of shape [3] needed for backward was modified in place (version 2, saved at 1)");
  EXPECT_FALSE(x.has_grad());
}

TEST(Versions, OneTensorSavedTwiceIsStaleOnlyWhereItIsOld) {
  const Tensor x = leaf({3}), y = x * 3, before = y * y;
  y.add_(1);
  const Tensor after = y * y;
  expect_error<GraphError>([&] { sum(before).backward(); }, "was modified in place");
  sum(after).backward();
  const auto at = x.to_vector(), grad = x.grad().to_vector();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(grad[i], 6 * (3 * at[i] + 1), 1e-12);
}

TEST(Versions, AWriteUnderNoGradCountsToo) {
  const Tensor x = leaf({3}), loss = sum(x * x);
  {
    const NoGrad no_grad;
    x.add_(1);
  }
  expect_error<GraphError>([&] { loss.backward(); }, "mul: a tensor of shape [3] needed for backward");
}

TEST(Versions, AWriteThroughADetachedTensorIsFound) {
  const Tensor x = leaf({3}), y = x * 3, loss = sum(y * y);
  y.detach().fill_(0);
  expect_error<GraphError>([&] { loss.backward(); }, "mul: a tensor of shape [3] needed for backward");
}

TEST(Versions, AWriteThroughAViewIsFound) {
  const Tensor x = leaf({2, 2}), y = x * 3, loss = sum(y * y);
  y.reshape({4}).detach().fill_(0);
  expect_error<GraphError>([&] { loss.backward(); }, "mul: a tensor of shape [2, 2] needed for backward");
}

TEST(Versions, AWriteIsLegalWhereNothingWasSaved) {
  const Tensor x = leaf({3}), y = x + 1, loss = sum(y + y);
  y.fill_(0);
  loss.backward();
  EXPECT_EQ(x.grad().to_vector(), Doubles(3, 2));
}

TEST(Versions, AWriteAfterTheBackwardIsLegal) {
  const Tensor x = leaf({3});
  for (int step = 0; step < 3; ++step) {
    sum(x * x).backward();
    const NoGrad no_grad;
    x.add_(x.grad() * -0.1);
    x.zero_grad();
  }
  EXPECT_EQ(x.stored().version(), 4u);
}

TEST(Versions, AStaleValueDoesNotMatterWhereItsOpDoesNotRun) {
  const Tensor x = leaf({3}), w = leaf({3}), y = x * 3, loss = sum(y * y) + sum(w * 2);
  y.fill_(0);
  EXPECT_EQ(gradients(loss, {w}, {.retain_graph = true})[0].to_vector(), Doubles(3, 2));
  expect_error<GraphError>([&] { gradients(loss, {x}); }, "was modified in place");
}

/// Batch normalization of [4, 3], with moments of its own or given ones.
struct BatchNormalized {
  explicit BatchNormalized(bool of_input) {
    const Normalization how{{1, 3, 1}, {1, 3, 1}, 1e-5, of_input};
    y = of_input ? normalize(x * 1, gamma, beta, how).output : normalize(x * 1, gamma, beta, running, how);
  }
  Tensor x = leaf({4, 3}), gamma = leaf({3}), beta = leaf({3});
  Moments running{kernels::full({3}, DType::float64, 0.5), kernels::full({3}, DType::float64, 2), 4};
  Tensor y;
};

TEST(Versions, BatchNormKeepsItsInputAndGammaButNotBetaOrOutput) {
  for (const bool of_input : {true, false}) {
    const BatchNormalized saves_gamma(of_input);
    {
      const NoGrad no_grad;
      saves_gamma.gamma.add_(1);
    }
    expect_error<GraphError>([&] { sum(saves_gamma.y).backward(); },
                             "normalize: a tensor of shape [3] needed for backward was modified in place");

    const BatchNormalized needs_no_more(of_input);
    {
      const NoGrad no_grad;
      needs_no_more.beta.add_(1);
    }
    needs_no_more.y.add_(1);  // as an activation in place would
    EXPECT_NO_THROW(sum(needs_no_more.y).backward());
  }
}

TEST(Versions, BatchNormsInputMayNotChangeBeforeBackward) {
  const Normalization how{{1, 3, 1}, {1, 3, 1}};
  const Tensor x = leaf({4, 3}), input = x * 1, y = normalize(input, {}, {}, how).output;
  input.add_(1);
  expect_error<GraphError>([&] { sum(y).backward(); },
                           "normalize: a tensor of shape [4, 3] needed for backward was modified in place");
}

TEST(Versions, GivenMomentsMayNotChangeBeforeBackward) {
  BatchNormalized evaluated(false);
  evaluated.running.var.mutable_data<double>()[0] = 3;
  expect_error<GraphError>([&] { sum(evaluated.y).backward(); },
                           "normalize: a tensor of shape [3] needed for backward was modified in place");
}

TEST(Versions, ASecondBackwardFindsTheSavedValuesFreed) {
  const Tensor x = leaf({3}), y = exp(x), loss = sum(y * y);
  loss.backward({.retain_graph = true});
  const auto once = x.grad().to_vector();
  loss.backward();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(x.grad().to_vector()[i], 2 * once[i]);
  expect_error<GraphError>([&] { loss.backward(); }, "sum: the graph was freed by an earlier backward");
  expect_error<GraphError>([&] { sum(y).backward(); }, "exp: the graph was freed by an earlier backward");
}

TEST(Versions, AChannelsLastValueIsConvertedAgainAfterAWrite) {
  const Tensor x = reorder(zeros({1, 2, 2, 2}), MemoryOrder::channels_last);
  EXPECT_EQ(x.value().data<float>()[0], 0);
  x.fill_(3);
  EXPECT_EQ(x.value().data<float>()[7], 3);
}

}  // namespace
}  // namespace evenkeel
