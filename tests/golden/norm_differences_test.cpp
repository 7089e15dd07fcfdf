/// Where PyTorch and MindSpore differ, or give a result that is not the definition's, and what these layers
/// do instead. The frameworks' own numbers are from runs of PyTorch 2.13.0 and MindSpore 2.10.0 on a CPU with
/// the inputs below.

#include <evenkeel/autograd/mode.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace evenkeel {
namespace {

using namespace testing;

const Shape images{2, 3, 4, 4};

/// Batch, instance and layer norm, and group norm with one group, of `images`; as in the runs.
std::vector<AnyLayer> layers(DType dtype = DType::float32) {
  std::vector<AnyLayer> all;
  all.emplace_back(BatchNorm2d({.num_features = 3, .dtype = dtype}));
  all.emplace_back(InstanceNorm2d({.num_features = 3, .dtype = dtype}));
  all.emplace_back(GroupNorm({.num_groups = 1, .num_channels = 3, .dtype = dtype}));
  all.emplace_back(LayerNorm({.normalized_shape = {3, 4, 4}, .dtype = dtype}));
  return all;
}
/// 96 numbers in [-1, 1], times scale, about mean.
Tensor spread_about(double mean, double scale = 1) {
  std::vector<float> values;
  for (int i = 0; i < 96; ++i) values.push_back(static_cast<float>(mean + (i * 37 % 101 / 50.0 - 1) * scale));
  return Tensor::from(values, images);
}

// PyTorch's BatchNorm, InstanceNorm and GroupNorm give -105.14 for a constant 1e7 and -84119.5 for 1.2345e10:
// they fold the mean into x * a + b, which cancels. MindSpore's BatchNorm gives -2.4e-6 for 0.1.
TEST(NormDifferences, AConstantIsBetaWhereTheirsIsNot) {
  for (const double value : {0.1, 1e7, 1.2345e10})
    for (auto& layer : layers())
      for (const double y : layer(full(images, value)).to_vector()) EXPECT_EQ(y, 0) << layer->type_name();
}

// The largest errors of theirs here, at means 1e2 / 1e4 / 1e6: PyTorch's BatchNorm 1.2e-5 / 1.3e-3 / 9.5e-2,
// InstanceNorm 1.2e-5 / 1.1e-3 / 6.9e-2, GroupNorm 1.1e-5 / 2.4e-3 / 7.2e-2, LayerNorm 7e-6 / 1.8e-3 / 8.2e-2
// (the mean is kept in float32); MindSpore's BatchNorm 5e-6 / 1.6e-3 / 6.2e-2, LayerNorm 3.7e-6 / 4.5e-4 /
// 3.7e-2; its GroupNorm, in double, 6e-8 throughout.
TEST(NormDifferences, MeansFarFromZeroCostNothing) {
  for (const double mean : {1e2, 1e4, 1e6}) {
    const Tensor x = spread_about(mean);
    auto narrow = layers(), wide = layers(DType::float64);
    for (std::size_t k = 0; k < narrow.size(); ++k) {
      const auto got = narrow[k](x).to_vector(), want = wide[k](x.to(DType::float64)).to_vector();
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_NEAR(got[i], want[i], 4e-7) << narrow[k]->type_name() << ", mean " << mean;
    }
  }
}

// Of values near 1e30 PyTorch's BatchNorm and InstanceNorm make 0, its GroupNorm and LayerNorm NaN;
// MindSpore's BatchNorm and LayerNorm 0: the variance overflows. MindSpore's GroupNorm is right.
TEST(NormDifferences, LargeValuesAreNormalized) {
  for (auto& layer : layers()) {
    double largest = 0;
    for (const double y : layer(spread_about(0, 1e30)).to_vector()) largest = std::max(largest, std::abs(y));
    EXPECT_GT(largest, 1.6) << layer->type_name();
    EXPECT_LT(largest, 2.1) << layer->type_name();
  }
  GroupNorm group({.num_groups = 1, .num_channels = 3});
  const Tensor y = group(spread_about(0, 1e30));  // MindSpore's numbers
  EXPECT_FLOAT_EQ(static_cast<float>(y.at({0, 0, 0, 0})), -1.6601763f);
  EXPECT_FLOAT_EQ(static_cast<float>(y.at({0, 0, 0, 1})), -0.40336761f);
}

// PyTorch refuses one value per channel, and has counted the batch by then: num_batches_tracked is 1.
TEST(NormDifferences, ARefusedBatchIsNotCounted) {
  BatchNorm1d norm({.num_features = 3});
  expect_error([&] { norm(ones({1, 3})); }, "Expected more than 1 value per channel when training");
  EXPECT_EQ(norm.running->count(), 0);
}

// MindSpore takes it, and its moving variance is NaN from then on (n / (n - 1) of 0); on Ascend it is a
// variance of 0, as here.
TEST(NormDifferences, OneValuePerChannelLeavesMindSporesVarianceFinite) {
  BatchNorm1d cell = mindspore::batch_norm1d({.num_features = 2, .beta_init = 0.5});
  cell.train();
  EXPECT_EQ(cell(Tensor::from({7.f, 9.f}, {1, 2})).to_vector(), std::vector<double>(2, 0.5));
  EXPECT_FLOAT_EQ(cell.running->mean.data<float>()[0], 0.7f);
  EXPECT_FLOAT_EQ(cell.running->mean.data<float>()[1], 0.9f);
  for (const double var : doubles(cell.running->var)) EXPECT_NEAR(var, 0.9, 1e-7);
}

// A negative running variance gives NaN in both, silently.
TEST(NormDifferences, ANegativeVarianceIsToldRatherThanNaN) {
  BatchNorm2d norm({.num_features = 2, .running_var_init = -1});
  norm.eval();
  expect_error([&] { norm(ones({1, 2, 1, 1})); }, "running_var must not be negative");
}

// PyTorch: IndexError for no channels in training; any multiple of num_groups, and any number of channels for
// a BatchNorm that holds nothing, are taken without a word.
TEST(NormDifferences, ChannelsAreCountedWhereverTheyAreGiven) {
  EXPECT_EQ(BatchNorm2d({.num_features = 0})(ones({2, 0, 3, 3})).shape(), (Shape{2, 0, 3, 3}));
  GroupNorm group({.num_groups = 2, .num_channels = 4, .affine = false});
  expect_error([&] { group(ones({2, 6})); }, "expected 4 channels (num_channels), got 6");
  BatchNorm2d batch({.num_features = 4, .affine = false, .track_running_stats = false});
  expect_error([&] { batch(ones({2, 6, 2, 2})); }, "expected 4 channels (num_features), got 6");
}

// MindSpore's InstanceNorm has moving statistics that never move and a momentum without effect; PyTorch's
// with running statistics moves them, but counts no batches.
TEST(NormDifferences, InstanceStatisticsMoveInOneDialectOnly) {
  InstanceNorm2d cell = mindspore::instance_norm2d({.num_features = 3, .momentum = 0.5});
  InstanceNorm2d torch({.num_features = 3, .track_running_stats = true});
  cell.train();
  const State before = cell.state();
  cell(spread_about(3));
  torch(spread_about(3));
  EXPECT_TRUE(same_state(cell.state(), before));
  EXPECT_NEAR(doubles(torch.running->mean)[0], 0.3, 0.1);
  EXPECT_EQ(torch.running->count(), 0);
}

// The same layer in both dialects: momentum converts as 1 - m, eps of LayerNorm is 1e-7 there, a Cell starts
// in inference mode, affine = false keeps parameters.
TEST(NormDifferences, ConvertedOptionsGiveTheSameLayer) {
  BatchNorm2d torch({.num_features = 3, .momentum = Momentum::torch(0.2)}),
      cell = mindspore::batch_norm2d({.num_features = 3, .momentum = 0.8});
  EXPECT_TRUE(torch.is_training());
  EXPECT_FALSE(cell.is_training());
  cell.train();
  const Tensor x = spread_about(2);
  EXPECT_EQ(torch(x).to_vector(), cell(x).to_vector());
  for (std::size_t c = 0; c < 3; ++c) {
    EXPECT_FLOAT_EQ(torch.running->mean.data<float>()[c], cell.running->mean.data<float>()[c]);
    EXPECT_FLOAT_EQ(torch.running->var.data<float>()[c], cell.running->var.data<float>()[c]);
  }
  LayerNorm rows({.normalized_shape = {4}, .eps = 1e-7}),
      rows_of_mindspore = mindspore::layer_norm({.normalized_shape = {4}});
  EXPECT_EQ(rows(x).to_vector(), rows_of_mindspore(x).to_vector());
  EXPECT_EQ(BatchNorm2d({.num_features = 3, .affine = false}).parameters().size(), 0u);
  EXPECT_EQ(mindspore::batch_norm2d({.num_features = 3, .affine = false}).parameters().size(), 2u);
}

// MindSpore's VarianceScaling says "truncated_normal" by default, but draws uniform numbers: its code
// compares with "truncated_norm". So does the name "variancescaling" here.
TEST(NormDifferences, VarianceScalingIsUniform) {
  Rng rng(3);
  const double bound = std::sqrt(3.0 / 50);  // of scale 1 and a fan-in of 50
  double largest = 0;
  for (const double value : doubles(Initializer("variancescaling")({200, 50}, DType::float64, rng)))
    largest = std::max(largest, std::abs(value));
  EXPECT_LE(largest, bound);
  EXPECT_GE(largest, 0.99 * bound);
}

}  // namespace
}  // namespace evenkeel
