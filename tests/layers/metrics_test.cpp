#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/layers/metrics.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::expect_error;

TEST(Accuracy, IsTheShareOfRightClasses) {
  const Tensor scores = Tensor::from({1.f, 2.f, 5.f, 3.f, 4.f, 4.f, 0.f, -1.f}, {4, 2});
  EXPECT_EQ(accuracy(scores, Tensor::from({1, 0, 0, 1}, {4})), 0.75);  // the first class wins the tie
  EXPECT_EQ(accuracy(scores.reshape({2, 2, 2}), Tensor::from({1, 0, 0, 0}, {2, 2})), 0.75);
}

TEST(Accuracy, RefusesWhatDoesNotFit) {
  expect_error(
      [] {
        accuracy(zeros({4, 2}), Tensor::from({1, 0}, {2}));
      },
      "accuracy: scores float32 [4, 2] do not fit targets int64 [2]");
  expect_error([] { accuracy(zeros({2, 2}), zeros({2})); }, "targets float32 [2]");
  expect_error([] { accuracy(zeros({4}), zeros({4})); }, "accuracy: scores float32 [4]");
  expect_error(
      [] {
        accuracy(zeros({0, 2}), zeros({0}, {.dtype = DType::int64}));
      },
      "accuracy: expected at least one target, got shape [0]");
}

}  // namespace
}  // namespace evenkeel
