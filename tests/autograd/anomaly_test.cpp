#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/graph_text.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace evenkeel {
namespace {

using testing::expect_error;

TEST(DetectAnomaly, NamesTheOpWhoseOutputIsNotFinite) {
  const Tensor x = Tensor::from({1., 0.}, {2}, {.requires_grad = true});
  EXPECT_NO_THROW(log(x));
  const DetectAnomaly detect;
  expect_error<GraphError>(
      [&] { log(x); },
      "DetectAnomaly: the output of log of float64 [2] is not finite: 1 of 2 elements, the first is -inf");
}

TEST(DetectAnomaly, NamesTheOpWhoseGradientIsNotFinite) {
  const Tensor x = Tensor::from({4., 0.}, {2}, {.requires_grad = true});
  const DetectAnomaly detect;
  const Tensor loss = sum(sqrt(x));
  expect_error<GraphError>(
      [&] { loss.backward(); },
      "DetectAnomaly: the gradient that the backward of sqrt gives for input 0 of float64 [2] is not");
  EXPECT_FALSE(x.has_grad());
}

TEST(DetectAnomaly, EndsWithItsScope) {
  {
    const DetectAnomaly detect;
    const DetectAnomaly off(false);
    EXPECT_FALSE(DetectAnomaly::is_on());
  }
  EXPECT_FALSE(DetectAnomaly::is_on());
}

TEST(DetectAnomaly, GuardsNest) {
  const DetectAnomaly outer;
  {
    const DetectAnomaly off(false);
    { const DetectAnomaly inner; }
    EXPECT_FALSE(DetectAnomaly::is_on());
    EXPECT_NO_THROW(log(zeros({1})));
  }
  EXPECT_THROW(log(zeros({1})), GraphError);
}

TEST(DetectAnomaly, FindsOnlyGradientsThatAreComputed) {
  const Tensor x = Tensor::from({0.}, {1}, {.requires_grad = true}), y = Tensor::from({1.}, {1});
  const DetectAnomaly detect;
  const Tensor root = sqrt(x.detach()), loss = sum(x + root * y);
  EXPECT_NO_THROW(loss.backward());
  EXPECT_EQ(x.grad().item(), 1);
}

/// A backward that runs inside another, from a hook.
TEST(DetectAnomaly, NamesTheOpOfANestedBackward) {
  const Tensor x = Tensor::from({2.}, {1}, {.requires_grad = true}),
               zero = zeros({1}, {.requires_grad = true});
  const DetectAnomaly detect;
  const Tensor y = x * x, inner = sum(sqrt(zero));
  y.register_hook([&](const Tensor&) { inner.backward(); });
  expect_error<GraphError>([&] { sum(y).backward(); }, "the gradient that the backward of sqrt gives");
  EXPECT_FALSE(x.has_grad());
  EXPECT_TRUE(y.node()->is_freed());
}

TEST(DetectAnomaly, NamesTheOpOfAGradientOfAGradient) {
  const Tensor x = zeros({1}, {.requires_grad = true, .dtype = DType::float64});
  const DetectAnomaly detect;
  const Tensor first = gradients(sum(pow(x, 1.5)), {x}, {.create_graph = true})[0];
  EXPECT_EQ(first.item(), 0);
  expect_error<GraphError>([&] { sum(first).backward(); }, "the gradient that the backward of pow gives");
}

TEST(GraphText, ShowsTheTapeNewestFirst) {
  const Tensor x = randn({2, 3}, {.requires_grad = true}), y = exp(x), loss = sum(y * y);
  const std::string text = graph_text(loss);
  const auto at = [&](const std::string& part) { return text.find(part); };
  EXPECT_LT(at(" sum <-"), at(" mul <-"));
  EXPECT_LT(at(" mul <-"), at(" exp <-"));
  EXPECT_NE(at("leaf float32 [2, 3]"), std::string::npos);
  EXPECT_EQ(std::ranges::count(text, '\n'), 4);
  loss.backward();
  EXPECT_NE(graph_text(loss).find("(freed)"), std::string::npos);
  EXPECT_EQ(graph_text(x.detach()), "");
}

}  // namespace
}  // namespace evenkeel
