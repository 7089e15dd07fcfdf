#include <evenkeel/layers/fold_batch_norm.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::expect_close;
using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

BatchNormOptions norm_options(std::int64_t channels, DType dtype = DType::float64) {
  return {.num_features = channels,
          .eps = 0.03,
          .gamma_init = init::normal(1, 0.5),
          .beta_init = init::normal(0, 1),
          .running_mean_init = init::normal(3, 2),
          .running_var_init = init::uniform(0.1, 5),
          .dtype = dtype};
}

void expect_same_in_evaluation(const Conv2d::Options& given, BatchNormOptions norm, const Shape& shape,
                               double rtol) {
  Conv2d conv(given);
  norm.dtype = given.dtype;
  norm.data_format = given.data_format;
  BatchNorm2d bn(norm);
  bn.eval();
  const State conv_before = conv.state();
  Conv2d folded = fold_batch_norm(conv, bn);
  const Tensor x(normal_array(shape, 5, given.dtype));
  const Tensor expected = bn(conv(x));
  expect_close(folded(x), expected.value(), {rtol, rtol * 10}, "bn(conv(x))");
  EXPECT_TRUE(folded.bias.has_value());
  EXPECT_TRUE(same_bits(conv.state()[0].second, conv_before[0].second));
}

TEST(FoldBatchNorm, GivesWhatBothLayersGive) {
  const Conv2d::Options plain{
      .in_channels = 3, .out_channels = 5, .kernel_size = 3, .padding = 1, .dtype = DType::float64};
  expect_same_in_evaluation(plain, norm_options(5), {2, 3, 6, 5}, 1e-12);
  auto without_bias = plain;
  without_bias.bias = false;
  expect_same_in_evaluation(without_bias, norm_options(5), {2, 3, 6, 5}, 1e-12);
  auto single = plain;
  single.dtype = DType::float32;
  expect_same_in_evaluation(single, norm_options(5), {2, 3, 6, 5}, 1e-5);
}

TEST(FoldBatchNorm, KeepsTheGeometryOfTheConvolution) {
  const Conv2d::Options grouped{.in_channels = 4,
                                .out_channels = 6,
                                .kernel_size = {3, 2},
                                .stride = {2, 1},
                                .padding = 2,
                                .dilation = {1, 2},
                                .groups = 2,
                                .dtype = DType::float64};
  expect_same_in_evaluation(grouped, norm_options(6), {2, 4, 7, 8}, 1e-12);
  auto nhwc = grouped;
  nhwc.data_format = DataFormat::NHWC;
  expect_same_in_evaluation(nhwc, norm_options(6), {2, 7, 8, 4}, 1e-12);
}

TEST(FoldBatchNorm, CountsAbsentParametersAsOneAndZero) {
  const Conv2d::Options conv{.in_channels = 2, .out_channels = 3, .kernel_size = 1, .dtype = DType::float64};
  auto norm = norm_options(3);
  norm.bias = false;
  expect_same_in_evaluation(conv, norm, {2, 2, 3, 3}, 1e-12);
  norm.affine = false;
  expect_same_in_evaluation(conv, norm, {2, 2, 3, 3}, 1e-12);
}

TEST(FoldBatchNorm, FoldsALinear) {
  for (const bool bias : {true, false}) {
    Linear linear({.in_features = 4, .out_features = 5, .bias = bias, .dtype = DType::float64});
    BatchNorm1d bn(norm_options(5));
    bn.eval();
    linear.eval();
    Linear folded = fold_batch_norm(linear, bn);
    const Tensor x(normal_array({7, 4}, 6, DType::float64));
    expect_close(folded(x), bn(linear(x)).value(), {1e-12, 1e-12}, "bn(linear(x))");
    EXPECT_FALSE(folded.is_training());
  }
}

TEST(FoldBatchNorm, DrawsNoRandomNumbers) {
  const Conv2d conv({.in_channels = 2, .out_channels = 3, .kernel_size = 1});
  const BatchNorm2d bn(norm_options(3, DType::float32));
  const auto position = default_rng().position();
  fold_batch_norm(conv, bn);
  EXPECT_EQ(default_rng().position(), position);
}

TEST(FoldBatchNorm, RefusesWhatDoesNotFit) {
  const Conv2d conv({.in_channels = 2, .out_channels = 3, .kernel_size = 1});
  expect_error([&] { fold_batch_norm(conv, BatchNorm2d({.num_features = 4})); },
               "fold_batch_norm: Conv2d gives 3 channels, but BatchNorm2d has num_features 4");
  expect_error([&] { fold_batch_norm(conv, BatchNorm2d({.num_features = 3, .track_running_stats = false})); },
               "BatchNorm2d has no running statistics");
  expect_error(
      [&] {
        fold_batch_norm(conv, BatchNorm2d({.num_features = 3, .batch_statistics = BatchStatistics::always}));
      },
      "BatchNorm2d normalizes by the batch in evaluation too");
  expect_error(
      [&] { fold_batch_norm(conv, BatchNorm2d({.num_features = 3, .data_format = DataFormat::NHWC})); },
      "Conv2d has data_format NCHW, but BatchNorm2d NHWC");
  expect_error([&] { fold_batch_norm(conv, BatchNorm2d({.num_features = 3, .running_var_init = -1})); },
               "running_var must not be negative, got -1 for channel 0");
  const Linear linear({.in_features = 2, .out_features = 3});
  expect_error([&] { fold_batch_norm(linear, BatchNorm1d({.num_features = 2})); },
               "Linear gives 3 channels, but BatchNorm1d has num_features 2");
}

}  // namespace
}  // namespace evenkeel
