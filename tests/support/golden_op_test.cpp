#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/tests/support/golden_op.h>

#include <gtest/gtest-spi.h>

namespace evenkeel::testing {
namespace {

const Golden& ops() {
  static const Golden file("ops.safetensors");
  return file;
}

TEST(GoldenOp, RunsEveryCaseOfAnOp) {
  expect_golden(ops(), "exp", [](const auto&, const auto& in) { return exp(in["x"]); });
  expect_golden(ops(), "mul", [](const nlohmann::json& args, const auto& in) {
    return args.contains("scalar") ? in["x"] * args["scalar"].template get<double>() : in["a"] * in["b"];
  });
}

/// How many claims an op fails in the first case of exp.
int failures_of(const GoldenOp& op) {
  ::testing::TestPartResultArray results;
  const ::testing::ScopedFakeTestPartResultReporter instead(
      ::testing::ScopedFakeTestPartResultReporter::INTERCEPT_ONLY_CURRENT_THREAD, &results);
  expect_golden_case(ops(), ops().cases("exp")[0], op, MemoryOrder::row_major, {1e-10, 1e-10});
  return results.size();
}

TEST(GoldenOp, FindsAWrongValueAndAWrongGradient) {
  EXPECT_EQ(failures_of([](const auto&, const auto& in) { return exp(in["x"]); }), 0);
  EXPECT_EQ(failures_of([](const auto&, const auto& in) { return exp(in["x"]) + 1e-9; }), 1);
  EXPECT_GE(failures_of([](const auto&, const auto& in) {
              const Tensor x = in["x"];
              return exp(x).detach() + (x - x.detach());
            }),
            2);
}

TEST(GoldenOp, AbsentInputsAreUndefined) {
  GoldenInputs in;
  in.add("x", ones({2}));
  EXPECT_TRUE(in["x"].defined());
  EXPECT_FALSE(in["bias"].defined());
  EXPECT_EQ(in.all().size(), 1u);
}

}  // namespace
}  // namespace evenkeel::testing
