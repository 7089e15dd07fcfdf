/// Gradients of the losses over classes, of first and second order.

#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::normal_array;

void expect_gradients(const Function& loss, const Tensors& inputs) {
  // Scaled, for gradgradcheck squares the loss and what it rounds away grows likewise.
  const auto f = [&](const Tensors& in) { return loss(in) * 0.1; };
  const auto first = gradcheck(f, inputs), second = gradgradcheck(f, inputs);
  EXPECT_TRUE(first.ok()) << first;
  EXPECT_TRUE(second.ok()) << second;
}

struct Images {
  Shape scores, targets;
};
const Images cases[]{{{5}, {}}, {{3, 5}, {3}}, {{2, 5, 3}, {2, 3}}, {{2, 5, 2, 3}, {2, 2, 3}}};
constexpr Reduction reductions[]{Reduction::none, Reduction::mean, Reduction::sum};

Tensor normal(const Shape& shape, unsigned seed) {
  return Tensor(normal_array(shape, seed, DType::float64), true);
}
Tensor some_classes(const Shape& shape) {
  std::vector<std::int64_t> values;
  for (std::int64_t i = 0; i < shape.count(); ++i) values.push_back((i * 7 + 3) % 5);
  return Tensor::from(values, shape);
}
Tensor weights() { return Tensor::from({0.5, 2.0, 1.0, 0.25, 3.0}, {5}); }

TEST(CrossEntropyGrad, OfClasses) {
  for (const auto& [shape, targets] : cases)
    for (const auto reduction : reductions)
      for (const double smoothing : {0.0, 0.3}) {
        SCOPED_TRACE(::testing::Message() << shape << ' ' << static_cast<int>(reduction) << ' ' << smoothing);
        const Tensor target = some_classes(targets);
        expect_gradients(
            [&](const Tensors& in) {
              return cross_entropy(in[0], target,
                                   {.weight = weights(),
                                    .ignore_index = 0,
                                    .label_smoothing = smoothing,
                                    .reduction = reduction});
            },
            {normal(shape, 1)});
      }
}

TEST(CrossEntropyGrad, OfProbabilitiesToo) {
  for (const auto& [shape, targets] : cases)
    for (const auto reduction : reductions) {
      SCOPED_TRACE(::testing::Message() << shape << ' ' << static_cast<int>(reduction));
      const Tensor target = softmax(normal(shape, 2).detach(), shape.rank() == 1 ? 0 : 1);
      target.set_requires_grad(true);
      expect_gradients(
          [&](const Tensors& in) {
            return cross_entropy(in[0], in[1],
                                 {.weight = weights(), .label_smoothing = 0.2, .reduction = reduction});
          },
          {normal(shape, 1), target});
    }
}

TEST(NllLossGrad, OfLogProbabilities) {
  for (const auto& [shape, targets] : cases)
    for (const auto reduction : reductions) {
      SCOPED_TRACE(::testing::Message() << shape << ' ' << static_cast<int>(reduction));
      const Tensor target = some_classes(targets);
      const auto axis = shape.rank() == 1 ? 0 : 1;
      expect_gradients(
          [&](const Tensors& in) {
            return nll_loss(log_softmax(in[0], axis), target,
                            {.weight = weights(), .ignore_index = 0, .reduction = reduction});
          },
          {normal(shape, 1)});
    }
}

}  // namespace
}  // namespace evenkeel
