#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::expect_error;

/// As in PyTorch, a scalar may be reduced along axis 0 or -1.
TEST(Reduce, AScalarHasOneAxisToBeReduced) {
  const Tensor x = Tensor::from({3.}, {}, {.requires_grad = true});
  for (const std::int64_t axis : {0, -1})
    for (const bool keepdim : {false, true}) {
      for (const Tensor& y :
           {sum(x, {.axes = {axis}, .keepdim = keepdim}), mean(x, {.axes = {axis}, .keepdim = keepdim}),
            max(x, {.axes = {axis}, .keepdim = keepdim})}) {
        EXPECT_EQ(y.shape(), Shape{});
        EXPECT_EQ(y.item(), 3);
      }
      EXPECT_EQ(argmax(x, axis, keepdim).shape(), Shape{});
      EXPECT_EQ(argmax(x, axis, keepdim).item<int>(), 0);
    }
  expect_error([&] { sum(x, {.axes = {1}}); }, "axis 1 of shape [] does not exist");
  expect_error([&] { argmax(x, 1); }, "axis 1 of shape [1] does not exist");
}

}  // namespace
}  // namespace evenkeel
