#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/graph_text.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

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
