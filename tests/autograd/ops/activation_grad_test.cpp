/// Gradients of activations and softmax, of first and second order.

#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

void expect_gradients(const Function& f, const Shape& shape) {
  for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
    const bool is_image = shape.rank() == 4;
    if (!is_image && order == MemoryOrder::channels_last) continue;
    const Tensor x(testing::normal_array(shape, 12, DType::float64, order), true);
    const auto first = gradcheck(f, {x}), second = gradgradcheck(f, {x});
    EXPECT_TRUE(first.ok()) << first;
    EXPECT_TRUE(second.ok()) << second;
  }
}

TEST(ActivationGrad, OfEveryKind) {
  const Function functions[]{
      [](const Tensors& in) { return relu(in[0]); },
      [](const Tensors& in) { return leaky_relu(in[0], {.negative_slope = 0.3}); },
      [](const Tensors& in) { return leaky_relu(in[0], {.negative_slope = -2}); },
      [](const Tensors& in) { return gelu(in[0]); },
      [](const Tensors& in) { return gelu(in[0], {.approximate = Gelu::tanh}); },
      [](const Tensors& in) { return silu(in[0]); },
      [](const Tensors& in) { return sigmoid(in[0]); },
      [](const Tensors& in) { return tanh(in[0]); },
      [](const Tensors& in) { return softplus(in[0]); },
      [](const Tensors& in) { return softplus(in[0], {.beta = 3, .threshold = 2}); },
  };
  for (std::size_t i = 0; i < std::size(functions); ++i) {
    SCOPED_TRACE(i);
    expect_gradients(functions[i], {2, 3, 2, 3});
    expect_gradients(functions[i], {});
  }
}

TEST(SoftmaxGrad, AlongEveryAxis) {
  for (const std::int64_t axis : {0, 1, 2, 3}) {
    SCOPED_TRACE(axis);
    expect_gradients([=](const Tensors& in) { return softmax(in[0], axis); }, {2, 3, 2, 4});
    expect_gradients([=](const Tensors& in) { return log_softmax(in[0], axis); }, {2, 3, 2, 4});
  }
  expect_gradients([](const Tensors& in) { return softmax(in[0], -1); }, {17});
  expect_gradients([](const Tensors& in) { return log_softmax(in[0], 1); }, {3, 5, 2});
}

}  // namespace
}  // namespace evenkeel
