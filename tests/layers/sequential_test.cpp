#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/pool.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <limits>

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
  Array y, dx;
};
template <class F>
Found run(const Array& values, F f) {
  const Tensor x(values, true);
  const Tensor y = f(x);
  sum(y * y).backward();
  return {y.value(), x.grad().value()};
}

class ReluBeforeMaxPool : public ::testing::TestWithParam<std::tuple<DType, MemoryOrder>> {};
TEST_P(ReluBeforeMaxPool, HasTheBitsOfBothInTurn) {
  const auto [dtype, order] = GetParam();
  for (const MaxPool2dOptions& pooling :
       {MaxPool2dOptions{.kernel_size = 2}, {.kernel_size = 3, .stride = 2, .padding = 1}}) {
    Sequential net({ReLU(), MaxPool2d(pooling)});
    const Found got = run(edges(dtype, order), [&](const Tensor&x) { return net(x); }),
                expected =
                    run(edges(dtype, order), [&](const Tensor&x) { return max_pool2d(relu(x), pooling); });
    EXPECT_TRUE(same_bits(got.y, expected.y));
    EXPECT_TRUE(same_bits(got.dx, expected.dx));
  }
}
INSTANTIATE_TEST_SUITE_P(Sequential, ReluBeforeMaxPool,
                         ::testing::Combine(::testing::Values(DType::float32, DType::float64),
                                            ::testing::Values(MemoryOrder::row_major,
                                                              MemoryOrder::channels_last)));

TEST(Sequential, HooksSeeReluAndMaxPoolInTheirOrder) {
  Sequential net({ReLU(), MaxPool2d({.kernel_size = 2})});
  std::vector<Shape> seen;
  const auto see = [&](Layer&, const Tensor&, const Tensor& y) { seen.push_back(y.shape()); };
  HookHandle of_relu = net[0].register_forward_hook(see);
  net(Tensor(normal_array({1, 1, 4, 4}, 1)));
  of_relu.remove();
  HookHandle of_pool = net[1].register_forward_hook(see);
  net(Tensor(normal_array({1, 1, 4, 4}, 1)));
  EXPECT_EQ(seen, (std::vector<Shape>{{1, 1, 4, 4}, {1, 1, 2, 2}}));
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
