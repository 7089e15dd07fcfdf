/// Bugs in what normalization layers keep and refuse through history, one test each. The numbers are those of
/// a list of what went wrong in other systems; each test says what it was.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using namespace testing;

constexpr auto rows = MemoryOrder::row_major, last = MemoryOrder::channels_last;
constexpr double nan = std::numeric_limits<double>::quiet_NaN();

void expect_near(const Array& got, const std::vector<double>& expected, double tolerance) {
  ASSERT_EQ(got.size(), static_cast<std::int64_t>(expected.size()));
  for (std::size_t i = 0; i < expected.size(); ++i) EXPECT_NEAR(doubles(got)[i], expected[i], tolerance);
}

// A single value: 0/0 in Bessel's factor made running_var NaN.
TEST(NormHistory, B07) {
  BatchNorm1d norm({.num_features = 3, .running_mean_init = 2, .running_var_init = 3});
  const State before = norm.state();
  expect_error(
      [&] {
        norm(ones({1, 3}));
      },
      "BatchNorm1d: Expected more than 1 value per channel when training, got input size [1, 3]");
  EXPECT_TRUE(same_state(norm.state(), before));

  BatchNorm1d cell = mindspore::batch_norm1d({.num_features = 3, .beta_init = 0.5, .moving_var_init = 3});
  cell.train();
  EXPECT_EQ(cell(full({1, 3}, 7)).to_vector(), std::vector<double>(3, 0.5));
  expect_near(cell.running->mean, {0.7, 0.7, 0.7}, 1e-7);
  expect_near(cell.running->var, {2.7, 2.7, 2.7}, 1e-6);  // 0.9 * 3 + 0.1 * 0
}

// n where n - 1 belongs: they differ by a factor of 2 for two values.
TEST(NormHistory, B08) {
  for (const std::int64_t n : {2, 3, 1000})
    for (const auto kind : {RunningVariance::unbiased, RunningVariance::biased}) {
      BatchNorm1d norm({.num_features = 2, .momentum = Momentum::torch(1), .running_variance = kind});
      const Array x = random_values({n, 2}, DType::float32, rows, 1, 3, 2);
      norm(Tensor(x));
      const auto want = reference<float>(x, x, {}, {}, norm_case("", x.shape(), rows).how);
      const auto count = static_cast<double>(n);
      const double bessel = kind == RunningVariance::unbiased ? count / (count - 1) : 1;
      for (std::size_t c = 0; c < 2; ++c)
        EXPECT_FLOAT_EQ(norm.running->var.data<float>()[c],
                        static_cast<float>(static_cast<double>(want.var[c]) * bessel));
    }
}

// Statistics that never move, move in evaluation, or are swapped: all their values differ here.
TEST(NormHistory, B09) {
  BatchNorm1d norm({.num_features = 2, .momentum = Momentum::torch(1)});
  const Tensor x = Tensor::from({1.f, 10.f, 3.f, 16.f}, {2, 2});  // means 2 and 13, variances 2 and 18
  norm(x);
  expect_near(norm.running->mean, {2, 13}, 0);
  expect_near(norm.running->var, {2, 18}, 1e-6);
  norm.eval();
  const State before = norm.state();
  norm(x * 5);
  EXPECT_TRUE(same_state(norm.state(), before));
  EXPECT_EQ(norm.running->count(), 1);
}

// PyTorch's momentum weighs the new batch, MindSpore's the old value.
TEST(NormHistory, B10) {
  BatchNorm1d torch({.num_features = 1, .momentum = Momentum::torch(0.1), .dtype = DType::float64});
  BatchNorm1d cell = mindspore::batch_norm1d({.num_features = 1, .momentum = 0.1, .dtype = DType::float64});
  cell.train();
  double torch_mean = 0, cell_mean = 0, torch_var = 1, cell_var = 1;
  for (const double batch : {1., 4., -6.}) {
    const Tensor x = Tensor::from({batch, batch + 2}, {2, 1});  // mean batch + 1, variance 2
    torch(x);
    cell(x);
    torch_mean = 0.9 * torch_mean + 0.1 * (batch + 1);
    cell_mean = 0.1 * cell_mean + 0.9 * (batch + 1);
    torch_var = 0.9 * torch_var + 0.1 * 2;
    cell_var = 0.1 * cell_var + 0.9 * 2;
  }
  expect_near(torch.running->mean, {torch_mean}, 1e-14);
  expect_near(torch.running->var, {torch_var}, 1e-14);
  expect_near(cell.running->mean, {cell_mean}, 1e-14);
  expect_near(cell.running->var, {cell_var}, 1e-14);
}

// momentum=None, and states from before there was num_batches_tracked.
TEST(NormHistory, B11) {
  BatchNorm1d norm({.num_features = 1, .momentum = Momentum::cumulative(), .dtype = DType::float64});
  double sum = 0;
  for (int batch = 1; batch <= 100; ++batch) {
    const double centre = batch * batch % 17;
    norm(Tensor::from({centre - 1, centre + 1}, {2, 1}));
    sum += centre;
    if (batch == 1 || batch == 2 || batch == 100) {
      expect_near(norm.running->mean, {sum / batch}, 1e-13);
      expect_near(norm.running->var, {2}, 1e-13);
    }
  }
  State old = norm.state();
  std::erase_if(old, [](const auto& each) { return each.first == "num_batches_tracked"; });
  BatchNorm1d other({.num_features = 1, .momentum = Momentum::cumulative(), .dtype = DType::float64});
  other(Tensor::from({1., 2.}, {2, 1}));
  other.load_state(old);
  expect_near(other.running->mean, {sum / 100}, 1e-13);
  EXPECT_EQ(other.running->count(), 1);  // it stays
}

/// PyTorch's own test of instance normalization, for one class.
template <class L>
void expect_instance_norm(const Shape& shape) {
  const auto samples = shape[0], channels = shape[1], pixels = shape.count(2);
  const auto at = [&](std::size_t i) {
    return static_cast<std::size_t>(static_cast<std::int64_t>(i) / pixels);
  };
  const Array x = random_values(shape, DType::float64, rows, 2, 1, 3);
  L plain({.num_features = channels, .eps = 0, .dtype = DType::float64});
  const auto y = plain(Tensor(x)).to_vector();
  std::vector<double> mean(static_cast<std::size_t>(samples * channels)), square(mean.size());
  for (std::size_t i = 0; i < y.size(); ++i) {
    mean[at(i)] += y[i] / static_cast<double>(pixels);
    square[at(i)] += y[i] * y[i] / static_cast<double>(pixels);
  }
  for (std::size_t g = 0; g < mean.size(); ++g) {
    EXPECT_NEAR(mean[g], 0, 1e-12);
    EXPECT_NEAR(square[g], 1, 1e-12);
  }
  plain.eval();
  EXPECT_EQ(plain(Tensor(x)).to_vector(), y);

  L tracked({.num_features = channels,
             .eps = 0,
             .momentum = Momentum::torch(1),
             .track_running_stats = true,
             .dtype = DType::float64});
  EXPECT_EQ(tracked(Tensor(x)).to_vector(), y);
  const auto want = reference<double>(x, x, {}, {}, norm_case("", shape, rows, channels).how);
  std::vector<double> means(static_cast<std::size_t>(channels)), vars(means.size());
  for (std::size_t g = 0; g < mean.size(); ++g) {
    means[g % means.size()] += static_cast<double>(want.mean[g]) / static_cast<double>(samples);
    vars[g % means.size()] += static_cast<double>(want.var[g]) * static_cast<double>(pixels) /
                              static_cast<double>((pixels - 1) * samples);
  }
  expect_near(tracked.running->mean, means, 1e-13);
  expect_near(tracked.running->var, vars, 1e-12);
  EXPECT_EQ(tracked.running->count(), 0);  // PyTorch never counts here

  // In evaluation a channel moved by c standard deviations has mean c.
  tracked.eval();
  Array moved = x.clone();
  auto values = moved.mutable_data<double>();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto c = at(i) % means.size();
    values[i] += static_cast<double>(c) * std::sqrt(doubles(tracked.running->var)[c]);
  }
  const auto z = tracked(Tensor(moved)).to_vector();
  std::vector<double> centre(means.size());
  for (std::size_t i = 0; i < z.size(); ++i)
    centre[at(i) % means.size()] += z[i] / static_cast<double>(samples * pixels);
  for (std::size_t c = 0; c < centre.size(); ++c) EXPECT_NEAR(centre[c], static_cast<double>(c), 1e-12);
}

// Evaluation and running statistics of instance normalization, in its first releases.
TEST(NormHistory, B12) {
  expect_instance_norm<InstanceNorm1d>({3, 4, 7});
  expect_instance_norm<InstanceNorm2d>({3, 4, 3, 5});
  expect_instance_norm<InstanceNorm3d>({3, 4, 2, 3, 2});
}

// One spatial element, which was refused or not depending on the batch.
TEST(NormHistory, B13) {
  for (const std::int64_t samples : {1, 2, 5})
    for (const bool training : {true, false}) {
      InstanceNorm2d norm({.num_features = 3});
      norm.train(training);
      expect_error(
          [&] {
            norm(ones({samples, 3, 1, 1}));
          },
          "InstanceNorm2d: Expected more than 1 spatial element when training, got input size [");
    }
  InstanceNorm2d tracked({.num_features = 3, .track_running_stats = true});
  tracked.eval();
  EXPECT_NO_THROW(tracked(ones({1, 3, 1, 1})));
  GroupNorm norm({.num_groups = 4, .num_channels = 4, .beta_init = 0.5});
  expect_error(
      [&] {
        norm(ones({1, 4}));
      },
      "GroupNorm: Expected more than 1 value per channel when training, got input size [1, 4]");
  EXPECT_EQ(norm(ones({2, 4})).to_vector(), std::vector<double>(8, 0.5));
}

// An empty batch: NaN, a division by zero, a crash.
TEST(NormHistory, B14) {
  for (const Shape& shape : {Shape{0, 4, 3, 3}, {2, 4, 0, 3}, {2, 4, 3, 0}, {2, 0, 3, 3}})
    for (const auto& each : norms())
      for (const auto order : {rows, last}) {
        if (shape[1] == 0 && each.name == "GroupNorm")
          continue;  // two groups of no channels: nothing to test
        AnyLayer layer = each.make(shape, {});
        const auto statistics = [&] {
          State state = layer->state();
          std::erase_if(state, [](const auto& v) { return !v.first.starts_with("running"); });
          return state;
        };
        const State before = statistics();
        const Tensor x(Array(shape, DType::float32, order), true);
        const Tensor y = layer(x);
        EXPECT_EQ(y.shape(), shape) << each.name;
        y.backward(ones(shape));
        EXPECT_EQ(x.grad().shape(), shape) << each.name;
        for (const auto& parameter : layer->parameters())
          for (const double value : parameter.grad().to_vector()) EXPECT_EQ(value, 0) << each.name << shape;
        EXPECT_TRUE(same_state(statistics(), before)) << each.name << shape;
        if (each.name == "BatchNorm") {
          EXPECT_EQ(value_of(*layer, "num_batches_tracked").data<std::int64_t>()[0], 1);
        }
      }
}

// Input that is no contiguous row-major array: here it cannot be told apart.
TEST(NormHistory, B15) {
  const Shape shape{3, 4, 5, 2};
  const Tensor x(random_values(shape, DType::float32, rows, 3));
  const Tensor turned = permute(permute(x, {3, 1, 0, 2}), {2, 1, 3, 0});
  const Tensor part = slice(concat({x, x * 2}), {.end = 3});
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {});
    randomize(*layer);
    const auto want = layer(x).to_vector();
    EXPECT_EQ(layer(turned).to_vector(), want) << each.name;
    EXPECT_EQ(layer(part).to_vector(), want) << each.name;
    const auto of_last = layer(reorder(turned, last)).to_vector();
    for (std::size_t i = 0; i < want.size(); ++i) ASSERT_NEAR(of_last[i], want[i], 2e-6) << each.name;
  }
}

struct Step {
  Tensor y;
  Tensors grads;
  State state;
};
Step step_of(const Norm& each, const Shape& shape, MemoryOrder order, int threads) {
  set_num_threads(threads);
  AnyLayer layer = each.make(shape, {});
  randomize(*layer);
  const Tensor x(in_order(random_values(shape, DType::float32, rows, 4, 2), order), true);
  const Tensor y = layer(x), cotangent(random_values(shape, DType::float32, rows, 5));
  Tensors sources{x};
  for (const auto& parameter : layer->parameters()) sources.push_back(parameter);
  Step step{y, gradients(y, sources, {.cotangent = cotangent}), layer->state()};
  set_num_threads(0);
  return step;
}

// Races between the threads of a reduction. ThreadSanitizer runs this test too.
TEST(NormHistory, B23) {
  for (const auto& each : norms())
    for (const Shape& shape : {Shape{6, 8, 40, 40}, {40, 64, 5, 5}, {2, 4, 130, 130}})
      for (const auto order : {rows, last}) {
        const Step one = step_of(each, shape, order, 1);
        for (const int threads : {2, 3, 4, 8}) {
          const Step many = step_of(each, shape, order, threads);
          EXPECT_TRUE(same_bits(one.y.stored(), many.y.stored()) && same_state(one.state, many.state));
          for (std::size_t k = 0; k < one.grads.size(); ++k)
            EXPECT_TRUE(same_bits(one.grads[k].stored(), many.grads[k].stored()))
                << each.name << ' ' << shape << ", " << threads << " threads, gradient " << k;
        }
      }
}

// A forward that no training asked for moves the statistics twice.
TEST(NormHistory, B24) {
  BatchNorm1d norm({.num_features = 2, .dtype = DType::float64});
  const Tensor x(random_values({5, 2}, DType::float64, rows, 6), true);
  const auto run = [&](const Tensors& in) { return norm(in[0]); };
  const State before = norm.state();
  EXPECT_TRUE(gradgradcheck(run, {x}).ok());
  EXPECT_TRUE(same_state(norm.state(), before));
  {
    const BufferUpdates off(false);
    norm(x);
  }
  EXPECT_TRUE(same_state(norm.state(), before));
  {
    const NoGrad no_grad;  // in training it is a step of the statistics all the same, as in PyTorch
    norm(x);
  }
  EXPECT_EQ(norm.running->count(), 1);
}

// A gamma that is fixed in one place and stored as another value.
TEST(NormHistory, B26) {
  BatchNorm2d torch({.num_features = 2, .affine = false, .gamma_init = 2});
  EXPECT_TRUE(torch.parameters().empty());
  EXPECT_EQ(torch.state().front().first, "running_mean");
  BatchNorm2d cell =
      mindspore::batch_norm2d({.num_features = 2, .affine = false, .gamma_init = 2, .beta_init = 0.5});
  cell.train();
  const Tensor x(random_values({3, 2, 4, 4}, DType::float32, rows, 7), true);
  const Tensor plain = torch(x), scaled = cell(x);
  for (std::size_t i = 0; i < plain.to_vector().size(); ++i)
    ASSERT_NEAR(scaled.to_vector()[i], 2 * plain.to_vector()[i] + 0.5, 2e-6);
  sum(scaled * scaled).backward();
  for (const auto& parameter : cell.parameters())
    EXPECT_FALSE(parameter.requires_grad() || parameter.has_grad());
  EXPECT_TRUE(x.has_grad());
}

// Statistics or weights of another size read beyond their end.
TEST(NormHistory, B27) {
  const Tensor x(random_values({3, 10}, DType::float32, rows, 8));
  for (const bool training : {true, false})
    for (const Shape& shape : {Shape{9}, {11}, {0}, {10, 1}, {}}) {
      const auto expect_refused = [&](const std::string& name, const auto& assign) {
        BatchNorm1d norm({.num_features = 10});
        norm.train(training);
        assign(norm);
        expect_error([&] { norm(x); }, "BatchNorm1d: " + name + " should contain 10 elements, not ");
        EXPECT_EQ(norm.running->count(), 0);
      };
      const Array wrong(shape, DType::float32);
      expect_refused("running_mean", [&](BatchNorm1d& norm) { norm.running->mean = wrong; });
      expect_refused("running_var", [&](BatchNorm1d& norm) { norm.running->var = wrong; });
      expect_refused("weight", [&](BatchNorm1d& norm) { norm.weight.emplace(wrong); });
      expect_refused("bias", [&](BatchNorm1d& norm) { norm.bias->mutable_value() = wrong; });
    }
}

// Groups that do not divide the channels, found when it was too late.
TEST(NormHistory, B28) {
  const auto make = [](std::int64_t groups, std::int64_t channels) {
    return [=] { GroupNorm({.num_groups = groups, .num_channels = channels}); };
  };
  expect_error(make(0, 4), "GroupNorm: num_groups must be positive, got 0");
  expect_error(make(-2, 4), "GroupNorm: num_groups must be positive, got -2");
  expect_error(make(3, 4), "GroupNorm: num_channels (4) must be divisible by num_groups (3)");
  expect_error(make(8, 4), "GroupNorm: num_channels (4) must be divisible by num_groups (8)");
  expect_error(make(1, -4), "GroupNorm: num_channels must not be negative, got -4");
}

// The running variance of a diverged training: negative or NaN in a checkpoint.
TEST(NormHistory, B29) {
  const auto expect_told = [](auto norm) {
    State state = norm.state();
    for (auto& [name, value] : state)
      if (name == "running_var") value = Array::from(std::vector<double>{1, nan, 2}, {3}, DType::float32);
    norm.load_state(state);
    norm.eval();
    const auto y = norm(ones({2, 3, 4})).to_vector();
    for (std::size_t i = 0; i < y.size(); ++i) EXPECT_EQ(std::isnan(y[i]), i / 4 % 3 == 1) << i;
    for (auto& [name, value] : state)
      if (name == "running_var") value = Array::from(std::vector<double>{1, 1, -2}, {3}, DType::float32);
    norm.load_state(state);
    expect_error(
        [&] {
          norm(ones({2, 3, 4}));
        },
        norm.type_name() + ": running_var must not be negative, got -2 for channel 2");
    EXPECT_TRUE(same_state(norm.state(), state));
    norm.reset_running_stats();
    EXPECT_NO_THROW(norm(ones({2, 3, 4})));
  };
  expect_told(BatchNorm1d({.num_features = 3}));
  expect_told(InstanceNorm1d({.num_features = 3, .track_running_stats = true}));
}

}  // namespace
}  // namespace evenkeel
