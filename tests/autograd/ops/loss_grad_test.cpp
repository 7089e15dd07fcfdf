/// Gradients of elementwise losses and of dropout, of first and second order.

#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/dropout.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

Tensor normal(const Shape& shape, unsigned seed, bool requires_grad = true) {
  return Tensor(testing::normal_array(shape, seed, DType::float64), requires_grad);
}
void expect_gradients(const Function& f, const Tensors& inputs) {
  const auto first = gradcheck(f, inputs), second = gradgradcheck(f, inputs);
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_TRUE(second.ok()) << second;
}

TEST(LossGrad, OfBothInputs) {
  const Tensor weight = normal({3}, 7, false), positive = normal({2, 1}, 8, false);
  for (const auto reduction : {Reduction::none, Reduction::mean, Reduction::sum}) {
    SCOPED_TRACE(static_cast<int>(reduction));
    const Tensors inputs{normal({2, 3}, 1), normal({2, 3}, 2)};
    expect_gradients([=](const Tensors& in) { return mse_loss(in[0], in[1], {.reduction = reduction}); },
                     inputs);
    expect_gradients([=](const Tensors& in) { return l1_loss(in[0], in[1], {.reduction = reduction}); },
                     inputs);
    for (const bool weighted : {false, true})
      expect_gradients(
          [=](const Tensors& in) {
            return binary_cross_entropy_with_logits(in[0], in[1],
                                                    {.weight = weighted ? weight : Tensor(),
                                                     .pos_weight = weighted ? positive : Tensor(),
                                                     .reduction = reduction});
          },
          inputs);
  }
}

TEST(DropoutGrad, OfWhatIsKept) {
  Rng rng(4);
  expect_gradients([&](const Tensors& in) { return dropout(in[0], {.p = 0.4}, rng); }, {normal({3, 4}, 3)});
}

}  // namespace
}  // namespace evenkeel
