#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/data/loader.h>
#include <evenkeel/layers/accumulate_statistics.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/freeze_norm.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/recalibrate.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <stdexcept>

namespace evenkeel {
namespace {

using testing::expect_close;
using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

Tensor rows(std::int64_t samples, unsigned seed) {
  return Tensor(normal_array({samples, 3}, seed, DType::float64, MemoryOrder::row_major, 10));
}
const std::vector<Tensor>& batches() {
  static const std::vector<Tensor> three{rows(5, 1), rows(2, 2), rows(9, 3)};
  return three;
}
Tensor all_rows() { return concat({batches()[0], batches()[1], batches()[2]}); }

BatchNorm1d norm_of(BatchNormOptions options) {
  options.dtype = DType::float64;
  BatchNorm1d norm(options);
  norm(rows(4, 99));  // history that must not count
  return norm;
}

void expect_statistics(const RunningNorm& norm, const Array& mean, const Array& var) {
  expect_close(Tensor(norm.running->mean), mean, {1e-13, 1e-13}, "running_mean");
  expect_close(Tensor(norm.running->var), var, {1e-13, 1e-13}, "running_var");
}

/// Draws one random number for each call in training, as Dropout does; its buffer counts them.
struct Noise final : Layer {
  void fields(FieldVisitor& f) override {
    f("rng", rng);
    f("calls", calls);
  }
  Tensor forward(const Tensor& x) override {
    if (!is_training()) return x;
    calls.mutable_data<std::int64_t>()[0] += 1;
    return x + rng.normal(rng.take(1));
  }
  Rng rng{1};
  Array calls{{1}, DType::int64};
};

TEST(Recalibrate, AveragesOverBatchesAsACumulativeMomentumDoes) {
  BatchNorm1d norm = norm_of({.num_features = 3});
  BatchNorm1d cumulative({.num_features = 3, .momentum = Momentum::cumulative(), .dtype = DType::float64});
  for (const auto& x : batches()) cumulative(x);
  recalibrate(norm, batches());
  expect_statistics(norm, cumulative.running->mean, cumulative.running->var);
  EXPECT_EQ(norm.running->count(), 3);
  EXPECT_EQ(norm.momentum, Momentum::torch(0.1));
}

TEST(Recalibrate, PoolsExactly) {
  for (const auto kind : {RunningVariance::unbiased, RunningVariance::biased}) {
    BatchNorm1d norm = norm_of({.num_features = 3, .running_variance = kind});
    BatchNorm1d whole({.num_features = 3,
                       .momentum = Momentum::torch(1),
                       .running_variance = kind,
                       .dtype = DType::float64});
    whole(all_rows());
    recalibrate(norm, batches(), {.pooled = true});
    expect_statistics(norm, whole.running->mean, whole.running->var);
  }
}

TEST(Recalibrate, CountsNoBatchWithoutElements) {
  for (const bool pooled : {false, true}) {
    BatchNorm1d norm = norm_of({.num_features = 3}), without = norm_of({.num_features = 3});
    recalibrate(norm, std::vector{batches()[0], slice(batches()[0], {.end = 0}), batches()[1]},
                {.pooled = pooled});
    recalibrate(without, std::vector{batches()[0], batches()[1]}, {.pooled = pooled});
    EXPECT_EQ(norm.running->count(), 2);
    EXPECT_TRUE(same_bits(norm.running->var, without.running->var));
  }
}

TEST(Recalibrate, EstimatesInstanceNormToo) {
  const InstanceNormOptions options{.num_features = 3,
                                    .momentum = Momentum::torch(1),
                                    .track_running_stats = true,
                                    .dtype = DType::float64};
  InstanceNorm1d norm(options), whole(options);
  std::vector<Tensor> lines;
  for (unsigned seed = 1; seed < 4; ++seed)
    lines.emplace_back(normal_array({static_cast<std::int64_t>(seed), 3, 5}, seed, DType::float64));
  whole(concat(lines));
  recalibrate(norm, lines, {.pooled = true});
  expect_statistics(norm, whole.running->mean, whole.running->var);
  EXPECT_EQ(norm.running->count(), 0);  // as ever
}

TEST(Recalibrate, LaterLayersSeeEarlierOnesInTraining) {
  Sequential net({BatchNorm1d({.num_features = 3, .dtype = DType::float64}),
                  BatchNorm1d({.num_features = 3, .dtype = DType::float64})});
  recalibrate(net, batches());
  const auto& second = dynamic_cast<BatchNorm1d&>(net[1]);
  EXPECT_LT(std::abs(Tensor(second.running->mean).to_vector()[0]), 1e-12);  // rather than near 10
}

TEST(Recalibrate, TakesALoader) {
  const Tensor x = all_rows();
  const data::TensorDataset dataset({.inputs = x, .targets = x});
  BatchNorm1d from_loader = norm_of({.num_features = 3}), from_tensors = norm_of({.num_features = 3});
  const data::DataLoader loader(dataset, {.batch_size = 6});
  recalibrate(from_loader, loader);
  recalibrate(from_tensors,
              std::vector{slice(x, {.end = 6}), slice(x, {.begin = 6, .end = 12}), slice(x, {.begin = 12})});
  EXPECT_TRUE(same_bits(from_loader.running->var, from_tensors.running->var));
  EXPECT_EQ(from_loader.running->count(), 3);
}

TEST(Recalibrate, LeavesModesAndWhatIsFrozen) {
  Sequential net({norm_of({.num_features = 3}), norm_of({.num_features = 3}), Noise()});
  net.eval();
  net[1].train();
  freeze_norm(net[1]);
  const State frozen = net[1].state();
  recalibrate(net, batches());
  EXPECT_FALSE(net.is_training() || net[0].is_training() || net[2].is_training());
  EXPECT_TRUE(net[1].is_training());
  for (std::size_t i = 0; i < frozen.size(); ++i)
    EXPECT_TRUE(same_bits(net[1].state()[i].second, frozen[i].second)) << frozen[i].first;
}

TEST(Recalibrate, OtherLayersRunAsInTrainingUnlessToldOtherwise) {
  Sequential net({Noise(), norm_of({.num_features = 3})});
  auto& noise = dynamic_cast<Noise&>(net[0]);
  recalibrate(net, batches(), {.others_in_training = false});
  EXPECT_EQ(noise.rng.position(), 0u);
  BatchNorm1d without_noise = norm_of({.num_features = 3});
  recalibrate(without_noise, batches());
  EXPECT_TRUE(same_bits(dynamic_cast<BatchNorm1d&>(net[1]).running->mean, without_noise.running->mean));
  recalibrate(net, batches());
  EXPECT_EQ(noise.rng.position(), 3u);
}

TEST(Recalibrate, IsAllOrNothing) {
  Sequential net({Noise(), norm_of({.num_features = 3})});
  net.eval();
  const State before = net.state({.rng = true});
  const auto expect_unchanged = [&] {
    const State after = net.state({.rng = true});
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_TRUE(same_bits(after[i].second, before[i].second)) << before[i].first;
    EXPECT_FALSE(net.is_training() || net[1].is_training());
  };
  expect_error(
      [&] {
        recalibrate(net, std::vector{rows(5, 1), rows(1, 2)});
      },
      "BatchNorm1d: Expected more than 1 value per channel");
  expect_unchanged();
  expect_error([&] { recalibrate(net, std::vector<Tensor>{}); }, "recalibrate: there are no batches");
  expect_unchanged();
  const AccumulateStatistics other(net);
  expect_error([&] { recalibrate(net, batches()); }, "its batches are pooled already");
  expect_unchanged();
}

TEST(Recalibrate, LeavesALayerThatNoElementReaches) {
  struct Net final : Layer {
    void fields(FieldVisitor& f) override {
      f("used", used);
      f("unused", unused);
    }
    Tensor forward(const Tensor& x) override { return used(x); }
    BatchNorm1d used = norm_of({.num_features = 3}), unused = norm_of({.num_features = 3});
  } net;
  const Array mean = net.unused.running->mean.clone();
  recalibrate(net, batches());
  EXPECT_TRUE(same_bits(net.unused.running->mean, mean));
  EXPECT_EQ(net.unused.running->count(), 1);
  EXPECT_FALSE(same_bits(net.used.running->mean, mean));
}

}  // namespace
}  // namespace evenkeel
