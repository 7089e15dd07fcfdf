#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/node.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/pool.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <iterator>
#include <limits>
#include <tuple>
#include <utility>
#include <vector>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_close;
using testing::expect_error;
using testing::golden_tolerance;
using testing::normal_array;
using testing::same_bits;

/// Random values and, in the first rows, windows that are wholly negative or 0, ties, and what is not finite.
Array edges(DType dtype, MemoryOrder order) {
  constexpr double inf = std::numeric_limits<double>::infinity(),
                   nan = std::numeric_limits<double>::quiet_NaN();
  std::vector<double> values = doubles(normal_array({2, 3, 9, 8}, 1));
  constexpr double first[] = {-1, -2,  -0.0, -3, 1, 1,    inf, nan,  -5,
                              -1, 0.0, -0.0, 1,  1, -inf, nan, -inf, -inf};
  std::copy(std::begin(first), std::end(first), values.begin());
  return in_order(Array::from(values, {2, 3, 9, 8}, dtype), order);
}

struct Found {
  Array y, dx, dcotangent;
};
template <class F>
Found run(const Array& values, F f) {
  const Tensor x(values, true);
  const Tensor y = f(x), cotangent(normal_array(y.shape(), 2, values.dtype()), true);
  const Tensor dx = gradients(y, {x}, {.cotangent = cotangent, .create_graph = true})[0];
  const Tensor dcotangent =
      gradients(dx, {cotangent}, {.cotangent = Tensor(normal_array(x.shape(), 3, values.dtype()))})[0];
  return {y.value(), dx.value(), dcotangent.value()};
}

class ReluBeforeMaxPool : public ::testing::TestWithParam<std::tuple<DType, MemoryOrder>> {};
TEST_P(ReluBeforeMaxPool, HasTheBitsOfBothInTurn) {
  const auto [dtype, order] = GetParam();
  for (const MaxPool2dOptions& pooling : {MaxPool2dOptions{.kernel_size = 2},
                                          {.kernel_size = 3, .stride = 2, .padding = 1},
                                          {.kernel_size = 2, .ceil_mode = true},
                                          {.kernel_size = 2, .data_format = DataFormat::NHWC}}) {
    Sequential net({ReLU(), MaxPool2d(pooling)});
    const Array x = edges(dtype, order);
    const Found got = run(x, [&](const Tensor& in) { return net(in); });
    const Found expected = run(x, [&](const Tensor& in) { return max_pool2d(relu(in), pooling); });
    EXPECT_TRUE(same_bits(got.y, expected.y));
    EXPECT_TRUE(same_bits(got.dx, expected.dx));
    EXPECT_TRUE(same_bits(got.dcotangent, expected.dcotangent));
  }
}
INSTANTIATE_TEST_SUITE_P(Sequential, ReluBeforeMaxPool,
                         ::testing::Combine(::testing::Values(DType::float32, DType::float64),
                                            ::testing::Values(MemoryOrder::row_major,
                                                              MemoryOrder::channels_last)));

TEST(Sequential, PoolsBeforeReluUnlessAHookLooks) {
  Sequential net({ReLU(), MaxPool2d({.kernel_size = 2})});
  const Tensor x(normal_array({1, 1, 4, 4}, 1), true);
  EXPECT_EQ(net(x).node()->op, "relu");
  std::vector<Shape> seen;
  const auto see = [&](Layer&, const Tensor& in, const Tensor&) { seen.push_back(in.shape()); };
  for (const std::size_t layer : {0, 1}) {
    HookHandle hook = net[layer].register_forward_hook(see);
    EXPECT_EQ(net(x).node()->op, "max_pool2d");
    hook.remove();
  }
  EXPECT_EQ(seen, (std::vector<Shape>{{1, 1, 4, 4}, {1, 1, 4, 4}}));
  EXPECT_EQ(net(x).node()->op, "relu");
}

/// BatchNorm2d, ReLU where wanted, and pooling; the parameters are no longer 1 and 0.
Sequential normalized_and_pooled(const BatchNormOptions& o, const MaxPool2dOptions& pooling, bool rectify) {
  BatchNorm2d norm(o);
  norm.weight->mutable_value().assign(normal_array({o.num_features}, 5, o.dtype));
  norm.bias->mutable_value().assign(normal_array({o.num_features}, 6, o.dtype));
  Sequential net({std::move(norm)});
  if (rectify) net.append(ReLU());
  net.append(MaxPool2d(pooling));
  return net;
}
/// One call, its gradients, and what it left in the buffers.
State step(Sequential& net, const Array& images) {
  const Tensor x(images, true);
  net.zero_grad();
  const Tensor y = net(x);
  y.backward(Tensor(normal_array(y.shape(), 2, images.dtype())));
  State all{{"y", y.value()}, {"dx", x.grad().value()}};
  for (const auto& [name, parameter] : net.named_parameters())
    all.emplace_back("d" + name, parameter.grad().value());
  for (const auto& [name, value] : net.state()) all.emplace_back(name, value.clone());
  return all;
}

class BatchNormBeforeMaxPool : public ::testing::TestWithParam<std::tuple<DType, MemoryOrder, bool>> {};
TEST_P(BatchNormBeforeMaxPool, IsEachLayerInTurn) {
  const auto [dtype, order, rectify] = GetParam();
  const Shape nchw{5, 16, 8, 16}, nhwc{5, 8, 6, 16};
  const auto see = [](Layer&, const Tensor&, const Tensor&) {};
  for (const auto format : {DataFormat::NCHW, DataFormat::NHWC})
    for (const auto statistics : {BatchStatistics::automatic, BatchStatistics::never})
      for (const std::int64_t ghost : {0, 2}) {
        BatchNormOptions options{.num_features = 16, .dtype = dtype};
        options.data_format = format;
        options.batch_statistics = statistics;
        options.ghost_batch_size = ghost;
        const MaxPool2dOptions pooling{.kernel_size = 2, .data_format = format};
        Sequential net = normalized_and_pooled(options, pooling, rectify),
                   seen = normalized_and_pooled(options, pooling, rectify);
        HookHandle hook = seen[0].register_forward_hook(see);
        const Array x = normal_array(format == DataFormat::NCHW ? nchw : nhwc, 1, dtype, order, 0.5);
        const State got = step(net, x), expected = step(seen, x);
        ASSERT_EQ(got.size(), expected.size());
        for (std::size_t i = 0; i < got.size(); ++i)
          if (const auto& name = got[i].first; name.starts_with('d'))
            expect_close(Tensor(got[i].second), expected[i].second, golden_tolerance(dtype), name);
          else
            EXPECT_TRUE(same_bits(got[i].second, expected[i].second)) << name;
      }
}
INSTANTIATE_TEST_SUITE_P(Sequential, BatchNormBeforeMaxPool,
                         ::testing::Combine(::testing::Values(DType::float32, DType::float64),
                                            ::testing::Values(MemoryOrder::row_major,
                                                              MemoryOrder::channels_last),
                                            ::testing::Bool()));

TEST(Sequential, PoolsABatchNormUnlessAHookLooksOrFormatsDiffer) {
  const BatchNormOptions norm{.num_features = 4};
  Sequential net = normalized_and_pooled(norm, {.kernel_size = 2}, false);
  const Tensor x(normal_array({4, 4, 4, 4}, 1), true);
  EXPECT_EQ(net(x).node()->op, "normalize_max_pool2d");
  for (const std::size_t layer : {0, 1}) {
    HookHandle hook = net[layer].register_forward_hook([](Layer&, const Tensor&, const Tensor&) {});
    EXPECT_EQ(net(x).node()->op, "max_pool2d");
    hook.remove();
  }
  net.eval();
  EXPECT_EQ(net(x).node()->op, "max_pool2d");
  const MaxPool2dOptions other{.kernel_size = 2, .data_format = DataFormat::NHWC};
  Sequential mixed = normalized_and_pooled(norm, other, true);
  EXPECT_EQ(mixed(x).shape(), (Shape{4, 2, 2, 4}));
}

TEST(Sequential, NamesTheLayerThatRefusesItsInput) {
  Sequential net({ReLU(), MaxPool2d({.kernel_size = 2})});
  expect_error([&] { net(Tensor(normal_array({4, 4}, 1))); }, "MaxPool2d: expected 4D input (got 2D input)");
}

TEST(Sequential, ABatchThatCannotBePooledMovesNoStatistics) {
  Sequential net = normalized_and_pooled({.num_features = 4}, {.kernel_size = 9}, true);
  const State before = net.state();
  expect_error([&] { net(Tensor(normal_array({4, 4, 4, 4}, 1))); }, "max_pool2d: a window of [9, 9]");
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(same_bits(net.state()[i].second, before[i].second)) << before[i].first;
}

TEST(BatchNorm, MaxPooledWantsTheLayersOwnFormat) {
  BatchNorm2d norm({.num_features = 4});
  expect_error(
      [&] {
        norm.max_pooled(Tensor(normal_array({4, 4, 4, 4}, 1)),
                        {.kernel_size = 2, .data_format = DataFormat::NHWC});
      },
      "BatchNorm2d: max_pooled expected pooling in the layer's data_format NCHW, got NHWC");
}

TEST(Sequential, ShowsDetectAnomalyEachLayerInTurn) {
  Sequential net({ReLU(), MaxPool2d({.kernel_size = 1})});
  const DetectAnomaly on;
  const Tensor lowest = Tensor::from({-std::numeric_limits<float>::infinity()}, {1, 1, 1, 1});
  EXPECT_EQ(net(lowest).item(), 0);
}

/// Tells where its result lies.
struct Copy final : Layer {
  Tensor forward(const Tensor& x) override {
    const Tensor y = x + 0;
    memory = y.value().data<float>().data();
    return y;
  }
  const float* memory = nullptr;
};
TEST(Sequential, HandsItsTemporariesOn) {
  Sequential net({Copy(), Sequential({ReLU()})});
  const Tensor y = net(Tensor::from({-1.F, 2.F}, {2}));
  EXPECT_EQ(y.to_vector(), (std::vector<double>{0, 2}));
  EXPECT_EQ(y.value().data<float>().data(), dynamic_cast<Copy&>(net[0]).memory);
}

TEST(Sequential, LeavesItsInputAsItIs) {
  Sequential net({ReLU(), ReLU()});
  const Tensor x = Tensor::from({-1.F, 2.F}, {2});
  EXPECT_EQ(net(x).to_vector(), (std::vector<double>{0, 2}));
  EXPECT_EQ(x.to_vector(), (std::vector<double>{-1, 2}));
}

TEST(Layer, WritesOverAnInputThatEndsUnlessAHookSeesIt) {
  ReLU layer;
  Tensor ends = Tensor::from({-1.F, 2.F}, {2});
  const float* const memory = ends.value().data<float>().data();
  const Tensor y = layer(std::move(ends));
  EXPECT_EQ(y.value().data<float>().data(), memory);
  std::vector<double> seen;
  HookHandle hook =
      layer.register_forward_hook([&](Layer&, const Tensor& x, const Tensor&) { seen = x.to_vector(); });
  EXPECT_EQ(layer(Tensor::from({-1.F, 2.F}, {2})).to_vector(), (std::vector<double>{0, 2}));
  EXPECT_EQ(seen, (std::vector<double>{-1, 2}));
}

}  // namespace
}  // namespace evenkeel
