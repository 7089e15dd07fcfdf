#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/node.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/pool.h>
#include <evenkeel/layers/sequential.h>
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
