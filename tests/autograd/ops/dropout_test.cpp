#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/mode.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/dropout.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/layers/dropout.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

constexpr double infinity = std::numeric_limits<double>::infinity();

TEST(Dropout, RefusesBadOptionsAndInputs) {
  const double nan = std::numeric_limits<double>::quiet_NaN();
  for (const double p : {-0.1, 1.5, nan}) {
    expect_error([&] { dropout(ones({2}), {.p = p}); }, "dropout: p must be between 0 and 1");
    expect_error([&] { dropout(ones({2}), {.p = p, .training = false}); }, "dropout: p must be");
    expect_error([&] { Dropout({.p = p}); }, "Dropout: p must be between 0 and 1");
  }
  expect_error([&] { dropout(arange(3)); }, "dropout: expected float32 or float64, got int64");
}

TEST(Dropout, DropsTheShareAndKeepsTheMean) {
  Rng rng(1);
  const std::int64_t n = 200000;
  for (const double p : {0.1, 0.5, 0.9}) {
    std::int64_t dropped = 0;
    const double kept = 1 / (1 - p);
    for (const double v : dropout(ones({n}, {.dtype = DType::float64}), {.p = p}, rng).to_vector()) {
      dropped += v == 0;
      ASSERT_TRUE(v == 0 || v == kept) << v;
    }
    const double deviation = std::sqrt(static_cast<double>(n) * p * (1 - p));
    EXPECT_NEAR(static_cast<double>(dropped), p * static_cast<double>(n), 4 * deviation) << p;
  }
}

TEST(Dropout, NeighboursAndCallsAreIndependent) {
  Rng rng(2);
  const Shape shape{100000};
  const auto first = dropout(ones(shape), {}, rng).to_vector(),
             second = dropout(ones(shape), {}, rng).to_vector();
  double neighbours = 0, calls = 0;
  for (std::size_t i = 0; i + 1 < first.size(); ++i) {
    neighbours += (first[i] - 1) * (first[i + 1] - 1);
    calls += (first[i] - 1) * (second[i] - 1);
  }
  EXPECT_LT(std::abs(neighbours), 4 * std::sqrt(1e5));
  EXPECT_LT(std::abs(calls), 4 * std::sqrt(1e5));
}

TEST(Dropout, AllOrNothing) {
  Rng rng(3);
  const Tensor x = Tensor::from({1., -2., infinity}, {3});
  EXPECT_EQ(dropout(x, {.p = 0}, rng).node(), x.node());
  EXPECT_EQ(dropout(x, {.p = 0}, rng).to_vector(), x.to_vector());
  EXPECT_EQ(dropout(x, {.training = false}, rng).to_vector(), x.to_vector());
  EXPECT_EQ(rng.position(), 0u);
  const auto none = dropout(x, {.p = 1}, rng).to_vector();
  EXPECT_EQ(none[0], 0);
  EXPECT_EQ(none[1], 0);
  EXPECT_TRUE(std::isnan(none[2]));
  EXPECT_EQ(rng.position(), 3u);
  EXPECT_EQ(dropout(zeros({0, 2}), {}, rng).shape(), Shape({0, 2}));
}

TEST(Dropout, DependsOnNeitherThreadsNorMemoryOrder) {
  std::vector<Array> results;
  for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last})
    for (const int threads : {1, 2, 3}) {
      set_num_threads(threads);
      Rng rng(5, 77);
      const Tensor x(in_order(normal_array({2, 5, 30, 40}, 1), order), true), y = dropout(x, {.p = 0.3}, rng);
      EXPECT_EQ(y.stored().order(), order);
      EXPECT_EQ(rng.position(), 77u + 2 * 5 * 30 * 40);
      y.backward(Tensor(normal_array({2, 5, 30, 40}, 2)));
      results.push_back(y.value());
      results.push_back(x.grad().value());
    }
  set_num_threads(0);
  for (std::size_t i = 2; i < results.size(); ++i) EXPECT_TRUE(same_bits(results[i], results[i % 2])) << i;
}

TEST(Dropout, ReadsTheGeneratorWithoutMovingItWhereBuffersStay) {
  Rng rng(6);
  const Tensor x = ones({64});
  std::vector<double> frozen;
  {
    const BufferUpdates off(false);
    frozen = dropout(x, {}, rng).to_vector();
    EXPECT_EQ(dropout(x, {}, rng).to_vector(), frozen);
  }
  EXPECT_EQ(rng.position(), 0u);
  EXPECT_EQ(dropout(x, {}, rng).to_vector(), frozen);
  EXPECT_NE(dropout(x, {}, rng).to_vector(), frozen);
}

TEST(DropoutLayer, FollowsManualSeedAndDiffersFromItsNeighbour) {
  const Tensor x = ones({64});
  const auto run = [&] {
    manual_seed(8);
    Dropout first, second;
    const auto a = first(x).to_vector(), b = second(x).to_vector();
    EXPECT_NE(a, b);
    return a;
  };
  EXPECT_EQ(run(), run());
  manual_seed(9);
  Dropout other;
  EXPECT_NE(other(x).to_vector(), run());
}

TEST(DropoutLayer, ResumesFromItsState) {
  const Tensor x = ones({64});
  Dropout first, second;
  first(x);
  EXPECT_TRUE(first.state().empty());
  second.load_state(first.state({.rng = true}));
  EXPECT_EQ(first(x).to_vector(), second(x).to_vector());
}

TEST(DropoutLayer, PassesInEvaluation) {
  Dropout layer({.p = 0.9});
  const Tensor x(normal_array({7}, 3));
  layer.eval();
  EXPECT_EQ(layer(x).to_vector(), x.to_vector());
  EXPECT_EQ(layer.rng.position(), 0u);
  EXPECT_EQ(layer.details(), "p=0.9");
}

}  // namespace
}  // namespace evenkeel
