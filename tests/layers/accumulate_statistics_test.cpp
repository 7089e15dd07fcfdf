#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/accumulate_statistics.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_close;
using testing::expect_error;
using testing::normal_array;
using testing::same_bits;
using testing::Tolerance;

Tensor batch(unsigned seed = 1, MemoryOrder order = MemoryOrder::row_major) {
  return Tensor(normal_array({7, 3, 2, 5}, seed, DType::float64, order, 100));
}

void expect_same_statistics(const RunningNorm& got, const RunningNorm& expected,
                            Tolerance tolerance = {1e-14, 1e-14}) {
  expect_close(Tensor(got.running->mean), expected.running->mean, tolerance, "running_mean");
  expect_close(Tensor(got.running->var), expected.running->var, tolerance, "running_var");
  EXPECT_EQ(got.running->count(), expected.running->count());
}

/// In micro-batches of 2, 1 and 4.
void run_in_parts(Layer& net, const Tensor& x) {
  net(slice(x, {.end = 2}));
  net(slice(x, {.begin = 2, .end = 3}));
  net(slice(x, {.begin = 3}));
}

template <class L>
void expect_statistics_of_the_whole_batch(typename L::Options options) {
  options.dtype = DType::float64;
  L whole(options), parts(options);
  AccumulateStatistics statistics(parts);
  for (unsigned step = 1; step < 4; ++step) {
    const Tensor x = batch(step, step == 2 ? MemoryOrder::channels_last : MemoryOrder::row_major);
    const auto before = parts.state();
    run_in_parts(parts, x);
    for (std::size_t i = 0; i < before.size(); ++i)
      EXPECT_TRUE(same_bits(parts.state()[i].second, before[i].second)) << before[i].first;
    statistics.commit();
    whole(x);
    expect_same_statistics(parts, whole);
  }
}

TEST(AccumulateStatistics, BatchNormGetsThoseOfTheWholeBatch) {
  expect_statistics_of_the_whole_batch<BatchNorm2d>({.num_features = 3});
  expect_statistics_of_the_whole_batch<BatchNorm2d>({.num_features = 3, .momentum = Momentum::cumulative()});
  expect_statistics_of_the_whole_batch<BatchNorm2d>(
      {.num_features = 3, .running_variance = RunningVariance::biased});
}

TEST(AccumulateStatistics, InstanceNormAveragesOverAllSamples) {
  expect_statistics_of_the_whole_batch<InstanceNorm2d>({.num_features = 3, .track_running_stats = true});
}

TEST(AccumulateStatistics, GhostBatchesAreOneBatchToo) {
  BatchNorm2d whole({.num_features = 3, .dtype = DType::float64});
  BatchNorm2d ghosts({.num_features = 3, .ghost_batch_size = 3, .dtype = DType::float64});
  AccumulateStatistics statistics(ghosts);
  ghosts(batch());
  statistics.commit();
  whole(batch());
  expect_same_statistics(ghosts, whole);
}

TEST(AccumulateStatistics, NormalizesEachMicroBatchByItself) {
  BatchNorm2d pooled({.num_features = 3, .dtype = DType::float64}), plain(pooled.options);
  const AccumulateStatistics statistics(pooled);
  EXPECT_TRUE(same_bits(pooled(batch()).value(), plain(batch()).value()));
}

TEST(AccumulateStatistics, WithoutCommitNothingMoves) {
  BatchNorm2d norm({.num_features = 3, .dtype = DType::float64}), untouched(norm.options);
  {
    const AccumulateStatistics abandoned(norm);
    run_in_parts(norm, batch());
  }
  expect_same_statistics(norm, untouched);
  norm(batch());  // and from here on it moves as ever
  untouched(batch());
  expect_same_statistics(norm, untouched);
}

TEST(AccumulateStatistics, ACommitWithoutABatchCountsNone) {
  Sequential net({BatchNorm2d({.num_features = 3, .dtype = DType::float64})});
  auto& norm = dynamic_cast<BatchNorm2d&>(net[0]);
  AccumulateStatistics statistics(net);
  statistics.commit();
  EXPECT_EQ(norm.running->count(), 0);
  run_in_parts(net, batch());
  statistics.commit();
  statistics.commit();
  EXPECT_EQ(norm.running->count(), 1);
  net(slice(batch(), {.end = 0}));  // a batch without elements counts, and moves nothing
  const Array mean = norm.running->mean.clone();
  statistics.commit();
  EXPECT_EQ(norm.running->count(), 2);
  EXPECT_TRUE(same_bits(norm.running->mean, mean));
}

TEST(AccumulateStatistics, EvaluationAndFrozenBuffersAddNothing) {
  BatchNorm2d norm({.num_features = 3, .dtype = DType::float64});
  AccumulateStatistics statistics(norm);
  norm.eval();
  norm(batch());
  norm.train();
  {
    const BufferUpdates off(false);
    norm(batch());
  }
  statistics.commit();
  EXPECT_EQ(norm.running->count(), 0);
}

TEST(AccumulateStatistics, ALayerThatIsListedAndCalledTwiceSeesOneBatch) {
  struct Tied final : Layer {
    void fields(FieldVisitor& f) override {
      f("a", norm);
      f("b", norm);
    }
    Tensor forward(const Tensor& x) override {
      return norm(slice(x, {.end = 3})), norm(slice(x, {.begin = 3}));
    }
    BatchNorm2d norm{{.num_features = 3, .dtype = DType::float64}};
  } tied;
  BatchNorm2d whole(tied.norm.options);
  AccumulateStatistics statistics(tied);
  tied(batch());
  statistics.commit();
  whole(batch());
  expect_same_statistics(tied.norm, whole);
}

TEST(AccumulateStatistics, OnlyOneAtATime) {
  Sequential net({BatchNorm2d({.num_features = 3}), BatchNorm2d({.num_features = 3})});
  {
    const AccumulateStatistics inner(net[1]);
    expect_error([&] { AccumulateStatistics outer(net); }, "BatchNorm2d: its batches are pooled already");
    const AccumulateStatistics other(net[0]);  // the refused one has let go of it
  }
  EXPECT_NO_THROW(AccumulateStatistics again(net));
}

}  // namespace
}  // namespace evenkeel
