/// Which statistics normalization layers use and move, in every state of PyTorch's and MindSpore's, and what
/// they are made of.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>

namespace evenkeel {
namespace {

using namespace testing;

constexpr auto rows = MemoryOrder::row_major;
const Shape images{3, 2, 4, 5};

/// What a call of a layer is to do.
struct Expected {
  bool by_batch;  ///< by the moments of the batch, else by the running ones
  bool moves, counts;
};
enum class Family { batch, instance };

std::vector<std::string> names_of(const Module& layer) {
  std::vector<std::string> names;
  for (const auto& [name, value] : layer.state()) names.push_back(name);
  return names;
}

/// Calls a layer of two channels in double once and holds output, buffers and gradients to `expected`.
/// Running statistics start as 0.5 and 3, the new batch weighs 0.25.
void expect_state(RunningNorm& layer, Family family, Expected expected) {
  randomize(layer);
  const Array x = random_values(images, DType::float64, rows, 1, 2, 3),
              cotangent = random_values(images, DType::float64, rows, 2);
  const bool has_buffers = layer.running.has_value();
  const State before = layer.state();
  auto how = norm_case("", images, rows, family == Family::instance ? 2 : 0).how;
  const Array gamma = layer.weight ? layer.weight->value() : Array(),
              beta = layer.bias ? layer.bias->value() : Array();
  const auto own = reference<double>(x, cotangent, gamma, beta, how);
  auto want = own;
  if (!expected.by_batch) {
    how = norm_case("", images, rows).how;
    how.moments_of_input = false;
    const Moments running = layer.running->moments();
    want = reference<double>(x, cotangent, gamma, beta, how, &running);
  }

  const Tensor source(x, true);
  Tensors sources{source};
  std::vector<std::vector<long double>> gradients_wanted{want.dx};
  for (const auto& [name, parameter] : layer.named_parameters()) {
    if (!parameter.requires_grad()) continue;
    sources.push_back(parameter);
    gradients_wanted.push_back(name == "weight" ? want.dgamma : want.dbeta);
  }
  const Tensor y = layer(source);
  EXPECT_LE(error_of<double>(y.value(), want.y), 1e-12);
  const auto grads = gradients(y, sources, {.cotangent = Tensor(cotangent)});
  for (std::size_t k = 0; k < grads.size(); ++k)
    EXPECT_LE(error_of<double>(grads[k].value(), gradients_wanted[k]), 1e-12) << "gradient " << k;

  if (!expected.moves || !has_buffers) {
    EXPECT_TRUE(same_state(layer.state(), before));
    return;
  }
  EXPECT_EQ(layer.running->count(), expected.counts ? 1 : 0);
  const bool is_batch = family == Family::batch;
  const double n = is_batch ? 60 : 20, groups = is_batch ? 1 : 3;
  for (std::size_t c = 0; c < 2; ++c) {
    double mean = 0, var = 0;  // over the instances
    for (std::size_t g = c; g < own.mean.size(); g += 2) {
      mean += static_cast<double>(own.mean[g]) / groups;
      var += static_cast<double>(own.var[g]) * n / (n - 1) / groups;
    }
    EXPECT_NEAR(layer.running->mean.data<double>()[c], 0.75 * 0.5 + 0.25 * mean, 1e-13);
    EXPECT_NEAR(layer.running->var.data<double>()[c], 0.75 * 3 + 0.25 * var, 1e-13);
  }
}

template <class L>
L torch_norm(bool tracked, bool affine = true) {
  return L({.num_features = 2,
            .momentum = Momentum::torch(0.25),
            .affine = affine,
            .track_running_stats = tracked,
            .running_mean_init = 0.5,
            .running_var_init = 3,
            .dtype = DType::float64});
}

TEST(NormStates, BatchNormHasPyTorchsFour) {
  for (const bool tracked : {true, false})
    for (const bool training : {true, false})
      for (const bool affine : {true, false}) {
        SCOPED_TRACE(::testing::Message() << tracked << training << affine);
        auto layer = torch_norm<BatchNorm2d>(tracked, affine);
        layer.train(training);
        const bool moves = tracked && training;
        expect_state(layer, Family::batch,
                     {.by_batch = training || !tracked, .moves = moves, .counts = moves});
      }
}

TEST(NormStates, InstanceNormHasPyTorchsFour) {
  for (const bool tracked : {true, false})
    for (const bool training : {true, false})
      for (const bool affine : {true, false}) {
        SCOPED_TRACE(::testing::Message() << tracked << training << affine);
        auto layer = torch_norm<InstanceNorm2d>(tracked, affine);
        layer.train(training);
        expect_state(layer, Family::instance,
                     {.by_batch = training || !tracked, .moves = tracked && training, .counts = false});
      }
}

TEST(NormStates, BatchNormHasMindSporesSix) {
  for (const auto use : {std::optional<bool>(), std::optional(true), std::optional(false)})
    for (const bool training : {true, false})
      for (const bool affine : {true, false}) {
        SCOPED_TRACE(::testing::Message()
                     << (use ? (*use ? "true" : "false") : "none") << training << affine);
        BatchNorm2d cell = mindspore::batch_norm2d({.num_features = 2,
                                                    .momentum = 0.75,
                                                    .affine = affine,
                                                    .moving_mean_init = 0.5,
                                                    .moving_var_init = 3,
                                                    .use_batch_statistics = use,
                                                    .dtype = DType::float64});
        EXPECT_FALSE(cell.is_training());  // as a Cell
        cell.train(training);
        const bool by_batch = use.value_or(training);
        expect_state(cell, Family::batch, {.by_batch = by_batch, .moves = by_batch, .counts = by_batch});
        for (const auto& parameter : cell.parameters()) EXPECT_EQ(parameter.requires_grad(), affine);
      }
}

TEST(NormStates, InstanceNormOfMindSporeNeverMoves) {
  for (const bool training : {true, false})
    for (const double momentum : {0., 0.1, 1.}) {
      InstanceNorm2d cell =
          mindspore::instance_norm2d({.num_features = 2, .momentum = momentum, .dtype = DType::float64});
      EXPECT_FALSE(cell.is_training());
      cell.train(training);
      expect_state(cell, Family::instance, {.by_batch = true, .moves = false, .counts = false});
    }
}

TEST(NormStates, MintHasPyTorchs) {
  auto mint = mindspore::mint::batch_norm2d({.num_features = 2, .momentum = std::nullopt});
  EXPECT_TRUE(mint.is_training() && mint.momentum.is_cumulative());
  EXPECT_EQ(mindspore::mint::batch_norm1d({.num_features = 2}).momentum, Momentum::torch(0.1));
  EXPECT_FALSE(mindspore::mint::batch_norm3d({.num_features = 2, .track_running_stats = false}).running);
  EXPECT_TRUE(mindspore::mint::group_norm({.num_groups = 1, .num_channels = 2}).is_training());
  EXPECT_EQ(mindspore::mint::layer_norm({.normalized_shape = {2}}).options.eps, 1e-5);
  EXPECT_EQ(mindspore::layer_norm({.normalized_shape = {2}}).options.eps, 1e-7);
}

// A freeze of statistics: BatchStatistics beside the modes, in PyTorch's dialect.
TEST(NormStates, BatchStatisticsOverrideTheMode) {
  for (const auto statistics : {BatchStatistics::always, BatchStatistics::never})
    for (const bool training : {true, false}) {
      const bool always = statistics == BatchStatistics::always;
      auto batch = torch_norm<BatchNorm2d>(true);
      batch.batch_statistics = statistics;
      batch.train(training);
      expect_state(batch, Family::batch, {.by_batch = always, .moves = always, .counts = always});
      auto instance = torch_norm<InstanceNorm2d>(true);
      instance.batch_statistics = statistics;
      instance.train(training);
      expect_state(instance, Family::instance, {.by_batch = always, .moves = always, .counts = false});
    }
}

// PyTorch 2.13.0 run by hand: made with track_running_stats, one step of x0, switched; then a call of x1.
const std::vector<double> x0{1, 2, 4, 3, -1, 0, 5, 0, 2, 1, 1, 2}, x1{0, 1, 1, 2, 2, -3, 3, 4, -2, 7, 1, 0};
struct Switched {
  bool training;
  std::vector<double> y, mean, var;
  std::int64_t count;
};

template <class L>
void expect_switched(const Switched& want) {
  L layer({.num_features = 2, .affine = false, .track_running_stats = true, .dtype = DType::float64});
  layer(Tensor::from(x0, {2, 2, 3}));
  layer.track_running_stats = false;
  layer.train(want.training);
  const auto y = layer(Tensor::from(x1, {2, 2, 3})).to_vector();
  for (std::size_t i = 0; i < 3; ++i) EXPECT_NEAR(y[i], want.y[i], 1e-11);
  for (std::size_t c = 0; c < 2; ++c) {
    EXPECT_NEAR(layer.running->mean.template data<double>()[c], want.mean[c], 1e-14);
    EXPECT_NEAR(layer.running->var.template data<double>()[c], want.var[c], 1e-14);
  }
  EXPECT_EQ(layer.running->count(), want.count);
}

TEST(NormStates, TrackingMayBeSwitchedOffLater) {
  const std::vector<double> after_x0{0.7 / 3, 0.1},
      by_batch{-0.598049574644, -0.085435653521, -0.085435653521};
  expect_switched<BatchNorm1d>({true, by_batch, after_x0, {0.9 + 1.04 / 3, 1.1}, 1});
  expect_switched<BatchNorm1d>(
      {false, {-0.208977663765, 0.686640895229, 0.686640895229}, after_x0, {0.9 + 1.04 / 3, 1.1}, 1});
  const std::vector<double> by_instance{-1.414181743642, 0.707090871821, 0.707090871821};
  for (const bool training : {true, false})  // it moves them even in evaluation
    expect_switched<InstanceNorm1d>({training, by_instance, {0.98 / 3, 0.24}, {5.2 / 3, 6.46 / 3}, 0});
}

TEST(NormStates, TrackingMayBeSwitchedOnLater) {
  const Tensor x = Tensor::from(x1, {2, 2, 3});
  auto batch = torch_norm<BatchNorm1d>(false, false);
  auto instance = torch_norm<InstanceNorm1d>(false, false);
  const auto of_batch = batch(x).to_vector(), of_instance = instance(x).to_vector();
  batch.track_running_stats = instance.track_running_stats = true;
  EXPECT_EQ(batch(x).to_vector(), of_batch);
  EXPECT_EQ(instance(x).to_vector(), of_instance);
  EXPECT_FALSE(batch.running || instance.running);
  batch.eval();
  instance.eval();
  EXPECT_EQ(batch(x).to_vector(), of_batch);
  expect_error([&] { instance(x); },
               "InstanceNorm1d: expected running statistics in evaluation, but it was made without");
  expect_error(
      [] {
        BatchNorm1d(
            {.num_features = 2, .track_running_stats = false, .batch_statistics = BatchStatistics::never});
      },
      "BatchNorm1d: BatchStatistics::never needs running statistics, but track_running_stats is false");
}

TEST(NormStates, NamesShapesAndOrderArePyTorchs) {
  using Names = std::vector<std::string>;
  const Names all{"weight", "bias", "running_mean", "running_var", "num_batches_tracked"},
      buffers{"running_mean", "running_var", "num_batches_tracked"}, affine{"weight", "bias"};
  EXPECT_EQ(names_of(BatchNorm1d({.num_features = 2})), all);
  EXPECT_EQ(names_of(BatchNorm2d({.num_features = 2, .affine = false})), buffers);
  EXPECT_EQ(names_of(BatchNorm3d({.num_features = 2, .bias = false, .track_running_stats = false})),
            Names{"weight"});
  EXPECT_EQ(names_of(BatchNorm2d({.num_features = 2, .affine = false, .track_running_stats = false})),
            Names());
  EXPECT_EQ(names_of(InstanceNorm1d({.num_features = 2})), Names());
  EXPECT_EQ(names_of(InstanceNorm2d({.num_features = 2, .affine = true, .track_running_stats = true})), all);
  EXPECT_EQ(names_of(InstanceNorm3d({.num_features = 2, .track_running_stats = true})), buffers);
  EXPECT_EQ(names_of(GroupNorm({.num_groups = 1, .num_channels = 2})), affine);
  EXPECT_EQ(names_of(GroupNorm({.num_groups = 1, .num_channels = 2, .affine = false})), Names());
  EXPECT_EQ(names_of(LayerNorm({.normalized_shape = {2, 3}, .bias = false})), Names{"weight"});
  EXPECT_EQ(names_of(mindspore::batch_norm2d({.num_features = 2, .affine = false})), all);
  EXPECT_EQ(names_of(mindspore::instance_norm2d({.num_features = 2})), all);
  EXPECT_EQ(names_of(mindspore::group_norm({.num_groups = 1, .num_channels = 2, .affine = false})), affine);

  for (const DType dtype : {DType::float32, DType::float64}) {
    const BatchNorm2d norm({.num_features = 2, .dtype = dtype});
    for (const auto& [name, value] : norm.state()) {
      const bool counts = name == "num_batches_tracked";
      EXPECT_EQ(value.shape(), counts ? Shape{} : Shape{2}) << name;
      EXPECT_EQ(value.dtype(), counts ? DType::int64 : dtype) << name;
    }
  }
  const LayerNorm layer({.normalized_shape = {2, 3}});
  EXPECT_EQ(value_of(layer, "weight").shape(), (Shape{2, 3}));
}

TEST(NormStates, ResetsToWhatItStartedWith) {
  BatchNorm2d norm({.num_features = 2,
                    .gamma_init = 1.5,
                    .beta_init = 0.25,
                    .running_mean_init = 0.5,
                    .running_var_init = 3});
  const State start = norm.state();
  const Parameter handle = *norm.weight;
  randomize(norm);
  norm(Tensor(random_values(images, DType::float32, rows, 3)));
  const Array weight = value_of(norm, "weight");
  norm.reset_running_stats();
  EXPECT_TRUE(same_bits(value_of(norm, "weight"), weight));
  State buffers = norm.state(), buffers_at_first = start;
  for (State* state : {&buffers, &buffers_at_first})
    std::erase_if(*state, [](const auto& v) { return v.first == "weight" || v.first == "bias"; });
  EXPECT_TRUE(same_state(buffers, buffers_at_first));
  norm.reset_parameters();
  EXPECT_TRUE(same_state(norm.state(), start));
  EXPECT_EQ(handle.node(), norm.weight->node());  // still the one that an optimizer holds

  norm.to(DType::float64);
  norm.reset_parameters();
  for (const auto& [name, value] : norm.state()) EXPECT_NE(value.dtype(), DType::float32) << name;

  auto untracked = torch_norm<BatchNorm2d>(false);
  untracked.reset_running_stats();
  EXPECT_FALSE(untracked.running.has_value());
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(images, {});
    const State first = layer->state();
    randomize(*layer);
    if (auto* group = dynamic_cast<GroupNorm*>(&*layer)) group->reset_parameters();
    if (auto* rows_of = dynamic_cast<LayerNorm*>(&*layer)) rows_of->reset_parameters();
    if (auto* running = dynamic_cast<RunningNorm*>(&*layer)) running->reset_parameters();
    EXPECT_TRUE(same_state(layer->state(), first)) << each.name;
  }
}

TEST(NormStates, MomentumMayBeAnyPyTorchTakes) {
  const Array x = random_values(images, DType::float64, rows, 4, 2, 3);
  const auto want = reference<double>(x, x, {}, {}, norm_case("", images, rows).how);
  for (const double momentum : {0., 1., 5., -0.5}) {
    BatchNorm2d norm({.num_features = 2, .momentum = Momentum::torch(momentum), .dtype = DType::float64});
    norm(Tensor(x));
    EXPECT_NEAR(norm.running->mean.data<double>()[1], momentum * static_cast<double>(want.mean[1]), 1e-13);
  }
  expect_error([] { Momentum::torch(std::nan("")); }, "Momentum::torch: expected a finite weight");
  expect_error([] { Momentum::mindspore(1.5); }, "must be a number in range [0, 1], got 1.5");
  InstanceNorm2d still({.num_features = 2, .momentum = Momentum::cumulative(), .track_running_stats = true});
  const State before = still.state();
  still(Tensor(x).to(DType::float32));
  EXPECT_TRUE(same_state(still.state(), before));
}

TEST(NormStates, InstanceNormTakesInBiasedVariancesOnRequest) {
  const Array x = random_values({2, 1, 2}, DType::float64, rows, 5);  // where n - 1 is 1
  std::vector<double> vars;
  for (const auto kind : {RunningVariance::biased, RunningVariance::unbiased}) {
    InstanceNorm1d norm({.num_features = 1,
                         .momentum = Momentum::torch(1),
                         .track_running_stats = true,
                         .running_variance = kind,
                         .dtype = DType::float64});
    norm(Tensor(x));
    vars.push_back(norm.running->var.data<double>()[0]);
  }
  const auto v = doubles(x);
  EXPECT_NEAR(vars[0], ((v[0] - v[1]) * (v[0] - v[1]) + (v[2] - v[3]) * (v[2] - v[3])) / 8, 1e-15);
  EXPECT_NEAR(vars[1], 2 * vars[0], 1e-15);
}

}  // namespace
}  // namespace evenkeel
