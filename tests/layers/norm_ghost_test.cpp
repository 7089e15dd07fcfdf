/// Ghost batches, and what a layer makes of groups of a single value.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace evenkeel {
namespace {

using namespace testing;

constexpr auto rows = MemoryOrder::row_major, last = MemoryOrder::channels_last;

struct Step {
  Tensor y;
  Tensors grads;  ///< of x, weight, bias
  State state;
};
void expect_equal_steps(const Step& got, const Step& want, double tolerance) {
  const auto expect_near = [&](const Array& a, const Array& b) {
    ASSERT_EQ(a.shape(), b.shape());
    for (std::size_t i = 0; i < doubles(a).size(); ++i) ASSERT_NEAR(doubles(a)[i], doubles(b)[i], tolerance);
  };
  expect_near(got.y.stored(), want.y.stored());
  for (std::size_t k = 0; k < want.grads.size(); ++k)
    expect_near(got.grads[k].stored(), want.grads[k].stored());
  for (std::size_t k = 0; k < want.state.size(); ++k) expect_near(got.state[k].second, want.state[k].second);
}
Step step_of(BatchNorm2d& layer, const Tensor& x, const Tensor& y, const Tensor& cotangent) {
  return {y, gradients(y, {x, *layer.weight, *layer.bias}, {.cotangent = cotangent}), layer.state()};
}

BatchNorm2d::Options options_of(DType dtype, DataFormat format, Momentum momentum) {
  return {.num_features = 3, .momentum = momentum, .data_format = format, .dtype = dtype};
}

/// The same layer, given so many samples at a time.
Step in_chunks(BatchNorm2d::Options options, const Tensor& x, std::int64_t size, const Tensor& cotangent) {
  options.ghost_batch_size = 0;
  BatchNorm2d layer(options);
  randomize(layer);
  Tensors parts;
  for (std::int64_t begin = 0; begin < x.shape()[0]; begin += size)
    parts.push_back(layer(slice(x, {.begin = begin, .end = std::min(begin + size, x.shape()[0])})));
  return step_of(layer, x, concat(parts), cotangent);
}

TEST(NormGhosts, AreTheLayerOnOneChunkAfterAnother) {
  const Shape nchw{7, 3, 4, 5}, nhwc{7, 4, 5, 3};
  for (const DType dtype : {DType::float32, DType::float64})
    for (const auto format : {DataFormat::NCHW, DataFormat::NHWC})
      for (const auto order : {rows, last})
        for (const std::int64_t size : {1, 2, 3, 6, 7, 9})  // 7 = 3 + 3 + 1
          for (const auto momentum : {Momentum::torch(0.3), Momentum::cumulative()}) {
            SCOPED_TRACE(::testing::Message() << size << (order == last) << format << dtype);
            const Shape& shape = format == DataFormat::NCHW ? nchw : nhwc;
            const Tensor x(in_order(random_values(shape, dtype, rows, 1, 2, 3), order), true),
                cotangent(random_values(shape, dtype, rows, 2));
            auto options = options_of(dtype, format, momentum);
            options.ghost_batch_size = size;
            BatchNorm2d layer(options);
            randomize(layer);
            const Tensor y = layer(x);
            if (format == DataFormat::NCHW) {
              EXPECT_EQ(y.stored().order(), order);
            }
            expect_equal_steps(step_of(layer, x, y, cotangent), in_chunks(options, x, size, cotangent),
                               dtype == DType::float32 ? 1e-5 : 1e-13);
            EXPECT_EQ(layer.running->count(), (7 + size - 1) / size);
          }
}

TEST(NormGhosts, AreOfTrainingOnly) {
  auto options = options_of(DType::float32, DataFormat::NCHW, Momentum::torch(0.1));
  options.ghost_batch_size = 2;
  options.batch_statistics = BatchStatistics::always;
  BatchNorm2d ghosts(options);
  options.ghost_batch_size = 0;
  BatchNorm2d whole(options);
  ghosts.eval();
  whole.eval();
  const Tensor x(random_values({6, 3, 4, 4}, DType::float32, rows, 3));
  EXPECT_EQ(ghosts(x).to_vector(), whole(x).to_vector());
  EXPECT_TRUE(same_state(ghosts.state(), whole.state()));
}

// One sample of one pixel is left over: nothing of the batch is taken in.
TEST(NormGhosts, AreOfAtLeastOneSample) {
  expect_error([] { BatchNorm2d({.num_features = 3, .ghost_batch_size = -2}); },
               "BatchNorm2d: ghost_batch_size must not be negative, got -2; 0 stands for the whole batch");
}

TEST(NormGhosts, RefuseALastOneOfASingleValueUntouched) {
  BatchNorm1d layer({.num_features = 3, .ghost_batch_size = 2});
  const State before = layer.state();
  expect_error(
      [&] {
        layer(Tensor(random_values({5, 3}, DType::float32, rows, 4)));
      },
      "BatchNorm1d: Expected more than 1 value per channel when training, got input size [1, 3]");
  EXPECT_TRUE(same_state(layer.state(), before));
  BatchNorm1d skipping({.num_features = 3, .allow_single_value = SingleValue::skip, .ghost_batch_size = 2});
  const Tensor x(random_values({5, 3}, DType::float32, rows, 4));
  const auto y = skipping(x).to_vector();
  EXPECT_EQ(skipping.running->count(), 2);
  for (std::size_t i = 12; i < 15; ++i) EXPECT_EQ(y[i], x.to_vector()[i]);
}

BatchNorm1d batch_norm_of(SingleValue policy) {
  return BatchNorm1d({.num_features = 2,
                      .momentum = Momentum::torch(0.25),
                      .allow_single_value = policy,
                      .gamma_init = 2,
                      .beta_init = 0.5,
                      .running_mean_init = 1,
                      .running_var_init = 4});
}

TEST(SingleValue, IsRefusedNormalizedOrPassedOverByBatchNorm) {
  const Tensor x = Tensor::from({3.f, 5.f}, {1, 2});
  for (const bool switched_on : {false, true}) {
    BatchNorm1d layer = batch_norm_of(switched_on);  // a bool is a policy
    const State before = layer.state();
    if (!switched_on) {
      expect_error([&] { layer(x); }, "the option allow_single_value has other ways");
      EXPECT_TRUE(same_state(layer.state(), before));
      continue;
    }
    EXPECT_EQ(layer(x).to_vector(), (std::vector<double>{0.5, 0.5}));
    EXPECT_EQ(doubles(layer.running->mean), (std::vector<double>{1.5, 2}));
    EXPECT_EQ(doubles(layer.running->var), (std::vector<double>{3, 3}));
    EXPECT_EQ(layer.running->count(), 1);
  }

  BatchNorm1d by_running = batch_norm_of(SingleValue::running_statistics);
  const State before = by_running.state();
  const auto y = by_running(x).to_vector();
  EXPECT_NEAR(y[0], 2 * (3 - 1) / 2. + 0.5, 1e-5);
  EXPECT_NEAR(y[1], 2 * (5 - 1) / 2. + 0.5, 1e-5);
  EXPECT_TRUE(same_state(by_running.state(), before));

  BatchNorm1d skipping = batch_norm_of(SingleValue::skip);
  EXPECT_EQ(skipping(x).to_vector(), x.to_vector());
  EXPECT_TRUE(same_state(skipping.state(), before));

  for (auto* layer : {&by_running, &skipping}) {  // a batch of two is like any other
    (*layer)(Tensor::from({1.f, 2.f, 3.f, 6.f}, {2, 2}));
    EXPECT_EQ(doubles(layer->running->mean), (std::vector<double>{1.25, 1.75}));
    EXPECT_EQ(layer->running->count(), 1);
  }
}

TEST(SingleValue, IsRefusedNormalizedOrPassedOverByInstanceNorm) {
  const Tensor x = Tensor::from({3.f, 5.f, 7.f, 11.f}, {2, 2, 1});
  const auto make = [](SingleValue policy, bool tracked = true) {
    return InstanceNorm1d({.num_features = 2,
                           .momentum = Momentum::torch(0.25),
                           .affine = true,
                           .track_running_stats = tracked,
                           .allow_single_value = policy,
                           .beta_init = 0.5,
                           .running_mean_init = 1,
                           .running_var_init = 4});
  };
  auto normalizing = make(SingleValue::normalize);
  EXPECT_EQ(normalizing(x).to_vector(), std::vector<double>(4, 0.5));
  EXPECT_EQ(doubles(normalizing.running->mean), (std::vector<double>{2, 2.75}));  // of 5 and 8
  EXPECT_EQ(doubles(normalizing.running->var), (std::vector<double>{3, 3}));

  auto by_running = make(SingleValue::running_statistics), skipping = make(SingleValue::skip);
  const State before = skipping.state();
  EXPECT_NEAR(by_running(x).to_vector()[3], (11 - 1) / 2. + 0.5, 1e-4);
  EXPECT_EQ(skipping(x).to_vector(), x.to_vector());
  EXPECT_TRUE(same_state(by_running.state(), before) && same_state(skipping.state(), before));
  auto untracked = make(SingleValue::running_statistics, false);
  expect_error(
      [&] { untracked(x); },
      "InstanceNorm1d: SingleValue::running_statistics needs running statistics, but none are tracked");
}

TEST(SingleValue, IsRefusedNormalizedOrPassedOverByGroupNorm) {
  const Tensor x = Tensor::from({3.f, 5.f}, {1, 2});
  const auto make = [](SingleValue policy) {
    return GroupNorm({.num_groups = 2, .num_channels = 2, .allow_single_value = policy, .beta_init = 0.5});
  };
  EXPECT_EQ(make(true)(x).to_vector(), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(make(SingleValue::skip)(x).to_vector(), x.to_vector());
  expect_error([&] { make(SingleValue::error)(x); }, "GroupNorm: Expected more than 1 value per channel");
  expect_error([&] { make(SingleValue::running_statistics); },
               "GroupNorm: SingleValue::running_statistics needs running statistics, which it has not");
  EXPECT_EQ(mindspore::group_norm({.num_groups = 2, .num_channels = 2, .beta_init = 0.5})(x).to_vector(),
            (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(mindspore::instance_norm1d({.num_features = 2, .beta_init = 0.5})(ones({3, 2, 1})).to_vector(),
            std::vector<double>(6, 0.5));
}

}  // namespace
}  // namespace evenkeel
