#include <evenkeel/autograd/backward.h>
#include <evenkeel/layers/conv.h>
#include <evenkeel/layers/freeze_norm.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/optim/sgd.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_close;
using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

Tensor images(unsigned seed, DType dtype = DType::float32) {
  return Tensor(normal_array({4, 3, 2, 5}, seed, dtype, MemoryOrder::row_major, 1.5));
}

BatchNorm2d trained_norm(DType dtype = DType::float32) {
  BatchNorm2d norm({.num_features = 3,
                    .gamma_init = init::uniform(0.5, 2),
                    .beta_init = init::normal(0, 1),
                    .dtype = dtype});
  for (unsigned seed = 1; seed < 4; ++seed) norm(images(seed, dtype));
  return norm;
}

bool same_state(const State& a, const State& b) {
  for (std::size_t i = 0; i < a.size(); ++i)
    if (a[i].first != b[i].first || !same_bits(a[i].second, b[i].second)) return false;
  return a.size() == b.size();
}

TEST(FreezeNorm, NormalizesByRunningStatisticsWhateverTrainSays) {
  BatchNorm2d norm = trained_norm();
  norm.eval();
  const Array in_evaluation = norm(images(9)).value().clone();
  EXPECT_TRUE(freeze_norm(norm).empty());
  norm.train();
  const State before = norm.state();
  EXPECT_TRUE(same_bits(norm(images(9)).value(), in_evaluation));
  EXPECT_TRUE(same_state(norm.state(), before));
  EXPECT_TRUE(norm.is_training() && norm.is_frozen());
}

TEST(FreezeNorm, GradientFlowsToTheInputByTheRunningVariance) {
  BatchNorm2d norm = trained_norm(DType::float64);
  freeze_norm(norm);
  const Tensor x(images(7, DType::float64).value(), true), cotangent = images(8, DType::float64);
  const Tensor dx = gradients(norm(x), {x}, {.cotangent = cotangent})[0];
  const auto gamma = norm.weight->to_vector(), var = doubles(norm.running->var), dy = cotangent.to_vector();
  auto expected = dy;
  for (std::size_t i = 0; i < dy.size(); ++i) {
    const auto c = i / 10 % 3;
    expected[i] *= gamma[c] / std::sqrt(var[c] + 1e-5);
  }
  expect_close(dx, Array::from(expected, dx.shape()), {1e-13, 0}, "dx");
}

TEST(FreezeNorm, ParametersStopTrainingAtOnce) {
  Sequential net({Conv2d({.in_channels = 3, .out_channels = 3, .kernel_size = 1}), trained_norm()});
  SGD sgd(net.parameters(), {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1});
  const auto step = [&] {
    net(images(5)).backward(images(6).reshape({4, 3, 2, 5}));
    sgd.step();
  };
  step();  // leaves gradients and momentum behind
  freeze_norm(net);
  net.train();
  const State before = net[1].state(), conv_before = net[0].state();
  sgd.step();
  step();
  EXPECT_TRUE(same_state(net[1].state(), before));
  EXPECT_FALSE(same_state(net[0].state(), conv_before));
}

TEST(FreezeNorm, AffineMayGoOnTraining) {
  BatchNorm2d norm = trained_norm();
  freeze_norm(norm, {.affine = false});
  const State before = norm.state();
  norm(images(5)).backward(images(6));
  EXPECT_TRUE(norm.weight->has_grad() && norm.bias->has_grad());
  EXPECT_TRUE(same_state(norm.state(), before));
}

TEST(UnfreezeNorm, IsTheInverse) {
  struct Net final : Module {
    void fields(FieldVisitor& f) override {
      f("plain", plain);
      f("fixed", fixed);
      f("always", always);
    }
    BatchNorm2d plain{{.num_features = 3}};
    BatchNorm2d fixed = mindspore::batch_norm2d({.num_features = 3, .affine = false});
    BatchNorm2d always = mindspore::batch_norm2d({.num_features = 3, .use_batch_statistics = true});
  } net;
  freeze_norm(net);
  freeze_norm(net, {.affine = false});  // again, in another way
  EXPECT_TRUE(net.plain.weight->requires_grad());
  EXPECT_FALSE(net.fixed.weight->requires_grad());
  unfreeze_norm(net);
  unfreeze_norm(net);
  EXPECT_EQ(net.plain.batch_statistics, BatchStatistics::automatic);
  EXPECT_EQ(net.always.batch_statistics, BatchStatistics::always);
  EXPECT_TRUE(net.plain.weight->requires_grad() && net.always.bias->requires_grad());
  EXPECT_FALSE(net.fixed.weight->requires_grad() || net.fixed.bias->requires_grad());
  net.plain(images(3));
  EXPECT_EQ(net.plain.running->count(), 1);
}

TEST(FreezeNorm, LeavesLayersWithoutMovingStatisticsAndSaysWhich) {
  Sequential net({BatchNorm2d({.num_features = 3, .track_running_stats = false}),
                  InstanceNorm2d({.num_features = 3, .affine = true, .track_running_stats = true}),
                  InstanceNorm2d({.num_features = 3, .affine = true}),
                  Sequential({mindspore::instance_norm2d({.num_features = 3})})});
  net.train();
  EXPECT_EQ(freeze_norm(net), (std::vector<std::string>{"0", "2", "3.0"}));
  EXPECT_FALSE(net[1].parameters()[0].requires_grad());
  EXPECT_TRUE(net[0].parameters()[0].requires_grad() && net[3].parameters()[0].requires_grad());
  const State before = net[1].state();
  net(images(1));
  EXPECT_TRUE(same_state(net[1].state(), before));
  expect_error([&] { dynamic_cast<RunningNorm&>(net[2]).freeze(); },
               "InstanceNorm2d: freeze needs running statistics");
}

}  // namespace
}  // namespace evenkeel
