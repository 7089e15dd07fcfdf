#include <evenkeel/tests/support/golden.h>

#include <gtest/gtest.h>

#include <cmath>

namespace evenkeel::testing {
namespace {

TEST(Golden, CasesComeWithTheirTensors) {
  const Golden ops("ops.safetensors");
  EXPECT_EQ(ops.metadata().at("source").substr(0, 7), "PyTorch");
  ASSERT_FALSE(ops.cases("tanh").empty());
  const GoldenCase tanh = ops.cases("tanh")[0];
  ASSERT_EQ(tanh.dtype, DType::float64);
  const Array x = ops(tanh, tanh.inputs[0]), y = ops(tanh, "y");
  ASSERT_EQ(x.shape(), y.shape());
  for (std::size_t i = 0; i < x.data<double>().size(); ++i)
    EXPECT_DOUBLE_EQ(y.data<double>()[i], std::tanh(x.data<double>()[i]));
  EXPECT_TRUE(ops.has(tanh, "cotangent"));
  EXPECT_FALSE(ops.has(tanh, "bias"));
  EXPECT_THROW(ops(tanh, "bias"), ArgumentError);
}

TEST(Golden, EveryInputOfEveryCaseIsThere) {
  const Golden ops("ops.safetensors");
  EXPECT_GT(ops.cases().size(), 100u);
  for (const auto& each : ops.cases())
    for (const auto& input : each.inputs) EXPECT_TRUE(ops.has(each, input)) << each.name << '/' << input;
}

}  // namespace
}  // namespace evenkeel::testing
