#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/data/loader.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

/// Nine samples in batches of four: the last batch is one sample.
data::DataLoader loader(bool drop_last = false) {
  const Tensor x(normal_array({9, 3}, 1));
  return data::DataLoader(data::TensorDataset({.inputs = x, .targets = x}),
                          {.batch_size = 4, .drop_last = drop_last});
}

/// An epoch; returns the output for the last batch.
Tensor run(BatchNorm1d& norm, const data::DataLoader& batches) {
  Tensor y;
  for (const auto& batch : batches) y = norm(batch.inputs);
  return y;
}

BatchNorm1d norm_with(SingleValue policy) {
  return BatchNorm1d({.num_features = 3, .allow_single_value = policy, .beta_init = 0.25});
}

Tensor last_sample() { return slice(Tensor(normal_array({9, 3}, 1)), {.begin = 8}); }

TEST(LastBatchOfOne, IsRefusedAtFirst) {
  BatchNorm1d norm = norm_with(SingleValue::error);
  expect_error([&] { run(norm, loader()); }, "BatchNorm1d: Expected more than 1 value per channel");
  EXPECT_EQ(norm.running->count(), 2);
}

TEST(LastBatchOfOne, MayBeLeftOutByTheLoader) {
  BatchNorm1d norm = norm_with(SingleValue::error);
  EXPECT_EQ(run(norm, loader(true)).shape(), (Shape{4, 3}));
}

TEST(LastBatchOfOne, MayGiveBetaAndCount) {
  BatchNorm1d norm = norm_with(SingleValue::normalize), before = norm_with(SingleValue::error);
  EXPECT_EQ(run(norm, loader()).to_vector(), (std::vector<double>{0.25, 0.25, 0.25}));
  run(before, loader(true));
  EXPECT_EQ(norm.running->count(), 3);
  for (std::size_t c = 0; c < 3; ++c)  // a variance of 0 was blended in
    EXPECT_NEAR(doubles(norm.running->var)[c], 0.9 * doubles(before.running->var)[c], 1e-6);
}

TEST(LastBatchOfOne, MayBeNormalizedByTheRunningStatistics) {
  BatchNorm1d norm = norm_with(SingleValue::running_statistics);
  const Tensor y = run(norm, loader());
  EXPECT_EQ(norm.running->count(), 2);
  norm.eval();
  EXPECT_TRUE(same_bits(y.value(), norm(last_sample()).value()));
}

TEST(LastBatchOfOne, MayPassAsItIs) {
  BatchNorm1d norm = norm_with(SingleValue::skip);
  EXPECT_EQ(run(norm, loader()).to_vector(), last_sample().to_vector());
  EXPECT_EQ(norm.running->count(), 2);
}

}  // namespace
}  // namespace evenkeel
