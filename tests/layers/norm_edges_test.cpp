/// Input, parameters and buffers that no normalization layer expects: a documented result, or an error that
/// names them and leaves everything as it was.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/creation.h>
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
constexpr float inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();

/// A call that fails with a message that starts so, in both modes; no value of the layer changes.
template <class L>
void expect_refused(L& layer, const Tensor& x, const std::string& message) {
  const State before = layer.state();
  for (const bool training : {true, false}) {
    layer.train(training);
    try {
      layer(x);
      ADD_FAILURE() << "took " << x.shape() << ", expected " << message;
    } catch (const ArgumentError& error) {
      EXPECT_TRUE(std::string(error.what()).starts_with(message)) << "got: " << error.what();
    }
    EXPECT_TRUE(same_state(layer.state(), before)) << message;
  }
}
template <class L>
void expect_refused(L&& layer, const Tensor& x,
                    const std::string& message) requires(!std::is_reference_v<L>) {
  expect_refused(layer, x, message);
}

TEST(NormEdges, AnotherRankIsRefused) {
  const InstanceNormOptions tracked{.num_features = 4, .track_running_stats = true};
  expect_refused(BatchNorm1d({.num_features = 4}), ones({4}),
                 "BatchNorm1d: expected 2D or 3D input (got 1D input) [4]");
  expect_refused(BatchNorm1d({.num_features = 4}), ones({2, 4, 3, 3}),
                 "BatchNorm1d: expected 2D or 3D input (got 4D input) [2, 4, 3, 3]");
  expect_refused(BatchNorm2d({.num_features = 4}), ones({}),
                 "BatchNorm2d: expected 4D input (got 0D input) []");
  expect_refused(BatchNorm2d({.num_features = 4}), ones({2, 4}),
                 "BatchNorm2d: expected 4D input (got 2D input)");
  expect_refused(BatchNorm2d({.num_features = 4}), ones({4, 3, 3}),
                 "BatchNorm2d: expected 4D input (got 3D input)");
  expect_refused(BatchNorm3d({.num_features = 4}), ones({2, 4, 3, 3}),
                 "BatchNorm3d: expected 5D input (got 4D input)");
  expect_refused(InstanceNorm1d(tracked), ones({4}),
                 "InstanceNorm1d: expected 2D or 3D input (got 1D input)");
  expect_refused(InstanceNorm2d(tracked), ones({4, 3}),
                 "InstanceNorm2d: expected 3D or 4D input (got 2D input)");
  expect_refused(InstanceNorm3d(tracked), ones({4, 3, 3}),
                 "InstanceNorm3d: expected 4D or 5D input (got 3D input)");
  GroupNorm group({.num_groups = 2, .num_channels = 4});
  expect_refused(group, ones({4}),
                 "GroupNorm: Expected at least 2 dimensions for input tensor but received 1");
  expect_refused(group, ones({}),
                 "GroupNorm: Expected at least 2 dimensions for input tensor but received 0");
  expect_refused(LayerNorm({.normalized_shape = {3, 4}}), ones({4}),
                 "LayerNorm: Given normalized_shape=[3, 4], expected input with shape [*, 3, 4], but got "
                 "input of size [4]");
  auto axes = mindspore::layer_norm({.normalized_shape = {3}, .begin_norm_axis = 2, .begin_params_axis = 1});
  expect_refused(axes, ones({2, 3}), "LayerNorm: no axis 2 in input [2, 3]");
}

TEST(NormEdges, AnotherNumberOfChannelsIsRefused) {
  const std::string message = ": expected 4 channels (num_features), got 5 in NCHW input [2, 5, 3, 3]";
  const Tensor x = ones({2, 5, 3, 3});
  for (const bool affine : {true, false})
    for (const bool tracked : {true, false}) {
      expect_refused(BatchNorm2d({.num_features = 4, .affine = affine, .track_running_stats = tracked}), x,
                     "BatchNorm2d" + message);
      if (!affine && !tracked) continue;  // PyTorch warns, and so is it here
      expect_refused(InstanceNorm2d({.num_features = 4, .affine = affine, .track_running_stats = tracked}), x,
                     "InstanceNorm2d" + message);
    }
  EXPECT_EQ(InstanceNorm2d({.num_features = 4})(x).shape(), x.shape());
  expect_refused(mindspore::batch_norm2d({.num_features = 4, .affine = false}), x, "BatchNorm2d" + message);
  expect_refused(mindspore::instance_norm2d({.num_features = 4}), x, "InstanceNorm2d" + message);
  expect_refused(BatchNorm2d({.num_features = 3, .data_format = DataFormat::NHWC}), ones({2, 3, 5, 4}),
                 "BatchNorm2d: expected 3 channels (num_features), got 4 in NHWC input [2, 3, 5, 4]");
  expect_refused(BatchNorm1d({.num_features = 4}), ones({0, 5}), "BatchNorm1d: expected 4 channels");
  for (const bool affine :
       {true, false})  // PyTorch takes any multiple of num_groups where there is no weight
    expect_refused(GroupNorm({.num_groups = 2, .num_channels = 4, .affine = affine}), ones({2, 6}),
                   "GroupNorm: expected 4 channels (num_channels), got 6 in NCHW input [2, 6]");
  expect_refused(LayerNorm({.normalized_shape = {4}}), ones({2, 5}), "LayerNorm: Given normalized_shape=[4]");
  expect_refused(mindspore::layer_norm({.normalized_shape = {4, 5}}), ones({2, 4, 5}),
                 "LayerNorm: the product of gamma and beta's shape must be 5");
}

TEST(NormEdges, OtherTypesAreRefused) {
  const Shape shape{3, 4, 2, 2};
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {});
    const std::string name = layer->type_name();
    for (const DType dtype : {DType::int64, DType::uint8})
      expect_refused(*layer, ones(shape, {.dtype = dtype}),
                     name + ": expected float32 or float64 input, got ");
    expect_refused(*layer, ones(shape, {.dtype = DType::float64}),
                   name + ": expected float32 input as weight is, got float64 [3, 4, 2, 2]");
    AnyLayer wide = each.make(shape, {.dtype = DType::float64});
    expect_refused(*wide, ones(shape), name + ": expected float64 input as weight is, got float32");
  }
  BatchNorm2d mixed({.num_features = 4});
  mixed.running->var = Array({4}, DType::float64);
  expect_refused(mixed, ones(shape), "BatchNorm2d: expected float64 input as running_var is, got float32");
  GroupNorm half_wide({.num_groups = 2, .num_channels = 4});
  half_wide.bias.emplace(Array({4}, DType::float64));
  expect_refused(half_wide, ones(shape), "GroupNorm: expected float64 input as bias is, got float32");
  BatchNorm1d bare({.num_features = 4, .affine = false, .track_running_stats = false});
  EXPECT_EQ(bare(ones({3, 4}, {.dtype = DType::float64})).dtype(), DType::float64);  // nothing minds
}

TEST(NormEdges, ParametersAndBuffersOfAnotherSizeAreRefused) {
  const Tensor x(random_values({3, 4, 2, 2}, DType::float32, rows, 1));
  for (const Shape& wrong : {Shape{3}, {5}, {0}, {1}, {4, 1}, {}}) {
    const Array values(wrong, DType::float32);
    for (const auto& each : norms()) {
      if (each.name == "LayerNorm") continue;
      for (const std::string name : {"weight", "bias"}) {
        AnyLayer layer = each.make(x.shape(), {});
        for (const auto& [own, parameter] : layer->named_parameters())
          if (own == name) parameter.mutable_value() = values;
        expect_refused(*layer, x, layer->type_name() + ": " + name + " should contain 4 elements, not ");
      }
    }
    InstanceNorm2d instance({.num_features = 4, .track_running_stats = true});
    instance.running->mean = values;
    expect_refused(instance, x, "InstanceNorm2d: running_mean should contain 4 elements, not ");
  }
  LayerNorm layer({.normalized_shape = {2, 2}});
  layer.weight.emplace(Array({4}, DType::float32));
  expect_refused(layer, x,
                 "LayerNorm: weight should contain 4 elements, not 4; expected shape [2, 2], got [4]");
}

TEST(NormEdges, UndefinedBuffersAreRefused) {
  const Tensor x(random_values({3, 4, 2, 2}, DType::float32, rows, 2));
  const auto expect_undefined = [&](const auto& undefine, const std::string& message) {
    BatchNorm2d layer({.num_features = 4});
    undefine(layer);
    for (const bool training : {true, false}) {
      layer.train(training);
      expect_error([&] { layer(x); }, message);
    }
  };
  expect_undefined([](BatchNorm2d& layer) { layer.running->mean = {}; },
                   "BatchNorm2d: running_mean is undefined; expected float32 [4]");
  expect_undefined([](BatchNorm2d& layer) { layer.running->var = {}; },
                   "BatchNorm2d: running_var is undefined");
  expect_undefined([](BatchNorm2d& layer) { layer.weight->mutable_value() = {}; },
                   "BatchNorm2d: weight is undefined; expected float32 [4]");
}

// The counter of batches: it is read by cumulative momentum and written by every step.
TEST(NormEdges, ACounterThatIsNoneIsRefused) {
  const Tensor x(random_values({3, 4, 2, 2}, DType::float32, rows, 3));
  for (const Array& wrong :
       {Array(), Array({0}, DType::int64), Array({1}, DType::int64), Array({}, DType::float32)}) {
    BatchNorm2d layer({.num_features = 4});
    layer.running->batches = wrong;
    const Array mean = layer.running->mean.clone();
    expect_error([&] { layer(x); }, "BatchNorm2d: num_batches_tracked should be an int64 scalar, got ");
    EXPECT_TRUE(same_bits(layer.running->mean, mean));
  }
}

TEST(NormEdges, ANegativeVarianceIsRefusedWhereItIsUsed) {
  const Tensor x(random_values({3, 4, 2, 2}, DType::float32, rows, 4));
  const std::string message = "BatchNorm2d: running_var must not be negative, got -1 for channel 0; reset_";
  expect_refused(
      BatchNorm2d({.num_features = 4, .batch_statistics = BatchStatistics::never, .running_var_init = -1}), x,
      message);
  BatchNorm2d layer({.num_features = 4, .running_var_init = -1});
  EXPECT_NO_THROW(layer(x));  // by the batch
  layer.reset_running_stats();
  layer.eval();
  const State before = layer.state();
  expect_error([&] { layer(x); }, message);
  EXPECT_TRUE(same_state(layer.state(), before));
}

TEST(NormEdges, NaNAndInfReachWhatSharesStatisticsWithThem) {
  const Shape shape{3, 4, 3, 5};
  constexpr std::int64_t at = 47;
  for (const auto& each : norms())
    for (const float value : {nan, inf, -inf})
      for (const auto order : {rows, last}) {
        AnyLayer clean = each.make(shape, {}), layer = each.make(shape, {});
        Array x = random_values(shape, DType::float32, rows, 5);
        const auto want = (*clean)(Tensor(in_order(x, order))).to_vector();
        x.mutable_data<float>()[at] = value;
        const auto y = (*layer)(Tensor(in_order(x, order))).to_vector();
        const Groups groups = each.definition(shape).moments;
        for (std::int64_t i = 0; i < x.size(); ++i) {
          const auto k = static_cast<std::size_t>(i);
          const bool is_hit = groups.of(i, x.size()) == groups.of(at, x.size());
          ASSERT_TRUE(is_hit ? std::isnan(y[k]) : y[k] == want[k]) << each.name << ", " << value << ", " << i;
        }
        if (each.name != "BatchNorm") continue;
        for (const auto* name : {"running_mean", "running_var"}) {  // poisoned until reset, as in PyTorch
          const auto got = doubles(value_of(*layer, name)), before = doubles(value_of(*clean, name));
          for (std::size_t c = 0; c < 4; ++c)
            EXPECT_TRUE(c == at / 15 % 4 ? !std::isfinite(got[c]) : got[c] == before[c]) << name << c;
        }
        dynamic_cast<RunningNorm&>(*layer).reset_running_stats();
        EXPECT_EQ(doubles(value_of(*layer, "running_var")), std::vector<double>(4, 1));
      }
}

TEST(NormEdges, InEvaluationNaNStaysWhereItIs) {
  BatchNorm2d layer({.num_features = 4});
  layer.eval();
  Array x = random_values({3, 4, 3, 5}, DType::float32, rows, 6);
  x.mutable_data<float>()[47] = nan;
  x.mutable_data<float>()[48] = inf;
  const auto y = layer(Tensor(x)).to_vector();
  for (std::size_t i = 0; i < y.size(); ++i)
    EXPECT_TRUE(i == 47 ? std::isnan(y[i]) : i == 48 ? y[i] == inf : std::isfinite(y[i])) << i;
}

TEST(NormEdges, TheLargestNumbersAreNormalized) {
  constexpr float max = std::numeric_limits<float>::max(), least = std::numeric_limits<float>::denorm_min();
  for (const float size : {max, least})
    for (const auto& each : norms()) {
      AnyLayer layer = each.make({2, 2, 4, 4}, {.eps = size == max ? 1e-5 : 1e-95});
      std::vector<float> values;
      for (int i = 0; i < 64; ++i) values.push_back(i % 2 == 0 ? size : -size);
      const auto y = (*layer)(Tensor::from(values, {2, 2, 4, 4})).to_vector();
      for (std::size_t i = 0; i < y.size(); ++i) EXPECT_NEAR(y[i], i % 2 == 0 ? 1 : -1, 1e-4) << each.name;
    }
}

TEST(NormEdges, NoChannelsAreNone) {
  const Tensor x(Array({2, 0, 3, 3}, DType::float32), true);
  BatchNorm2d batch({.num_features = 0});
  InstanceNorm2d instance({.num_features = 0, .affine = true, .track_running_stats = true});
  GroupNorm group({.num_groups = 2, .num_channels = 0});
  LayerNorm layer({.normalized_shape = {0, 3, 3}});
  for (Layer* each : {static_cast<Layer*>(&batch), static_cast<Layer*>(&instance),
                      static_cast<Layer*>(&group), static_cast<Layer*>(&layer)})
    for (const bool training : {true, false})
      for (const bool create_graph : {false, true}) {
        each->train(training);
        const Tensor y = (*each)(x);
        EXPECT_EQ(y.shape(), x.shape()) << each->type_name();
        Tensors sources = {x};
        for (const auto& parameter : each->parameters()) sources.push_back(parameter);
        const auto grads =
            gradients(y, sources, {.cotangent = ones(x.shape()), .create_graph = create_graph});
        for (std::size_t k = 0; k < grads.size(); ++k) EXPECT_EQ(grads[k].shape(), sources[k].shape());
      }
  expect_error([] { BatchNorm2d({.num_features = -1}); },
               "BatchNorm2d: num_features must not be negative, got -1");
  expect_error([] { mindspore::batch_norm2d({.num_features = 0}); },
               "mindspore::batch_norm2d: num_features must be at least 1, got 0");
}

TEST(NormEdges, NothingIsNothingInEvaluationToo) {
  for (const Shape& shape : {Shape{0, 4, 3, 3}, {2, 4, 0, 3}})
    for (const auto& each : norms())
      for (const bool create_graph : {false, true}) {
        AnyLayer layer = each.make(shape, {});
        layer->eval();
        const State before = layer->state();
        const Tensor x(Array(shape, DType::float32), true);
        const Tensor y = (*layer)(x);
        Tensors sources = {x};
        for (const auto& parameter : layer->parameters()) sources.push_back(parameter);
        for (const auto& grad :
             gradients(y, sources, {.cotangent = ones(shape), .create_graph = create_graph}))
          for (const double value : grad.to_vector()) EXPECT_EQ(value, 0) << each.name;
        EXPECT_TRUE(same_state(layer->state(), before));
      }
}

}  // namespace
}  // namespace evenkeel
