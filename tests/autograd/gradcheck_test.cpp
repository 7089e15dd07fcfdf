#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <sstream>

namespace evenkeel {
namespace {

/// x^3 with a backward that is wrong by a factor, in the fast form or in the recorded one.
Tensor wrong_cube(const Tensor& x, double fast, double recorded) {
  return record({
      .op = "wrong_cube",
      .inputs = {x},
      .output = kernels::map(
          "wrong_cube", [](auto v) { return v * v * v; }, x.stored()),
      .saved = {x},
      .backward = [=](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {grad * saved[0] * saved[0] * (GradMode::on ? recorded : fast)};
      },
  });
}
Tensor leaf() { return Tensor::from({0.3, -1.2, 2.}, {3}, {.requires_grad = true}); }

TEST(Gradcheck, AcceptsARightBackward) {
  EXPECT_TRUE(gradcheck([](const Tensors& in) { return exp(in[0]) * in[1]; }, {leaf(), leaf()}).ok());
  EXPECT_TRUE(gradgradcheck([](const Tensors& in) { return wrong_cube(in[0], 3, 3); }, {leaf()}).ok());
}

TEST(Gradcheck, FindsAWrongBackward) {
  const auto report = gradcheck([](const Tensors& in) { return wrong_cube(in[0], 3.01, 3); }, {leaf()});
  EXPECT_FALSE(report.ok());
  EXPECT_EQ(report.input, 0u);
  std::ostringstream os;
  os << report;
  EXPECT_NE(os.str().find("input 0, index"), std::string::npos);
}

TEST(Gradcheck, FindsAWrongRecordedBackward) {
  const Function f = [](const Tensors& in) { return wrong_cube(in[0], 3, 3.01); };
  EXPECT_TRUE(gradcheck(f, {leaf()}).ok());
  EXPECT_FALSE(gradgradcheck(f, {leaf()}).ok());
}

TEST(Gradcheck, FindsAMissingGradient) {
  EXPECT_FALSE(gradcheck([](const Tensors& in) { return in[0] * in[0].detach(); }, {leaf()}).ok());
}

TEST(Gradcheck, FindsNaN) {
  const Tensor x = Tensor::from({0.}, {1}, {.requires_grad = true});
  EXPECT_FALSE(gradcheck([](const Tensors& in) { return sqrt(in[0]); }, {x}).ok());
}

TEST(Gradcheck, LeavesItsInputsAsTheyWere) {
  const Tensor x = leaf();
  const auto before = x.to_vector();
  gradcheck([](const Tensors& in) { return exp(in[0]); }, {x});
  EXPECT_EQ(x.to_vector(), before);
  EXPECT_FALSE(x.has_grad());
}

TEST(Gradcheck, RefusesInputsThatCannotBeChecked) {
  const Function f = [](const Tensors& in) { return exp(in[0]); };
  testing::expect_error([&] { gradcheck(f, {randn({2}, {.requires_grad = true})}); },
                        "gradcheck: expected float64 inputs, got float32 for input 0");
  testing::expect_error([&] { gradcheck(f, {leaf().detach()}); },
                        "gradcheck: input 0 must be a leaf that requires a gradient");
}

}  // namespace
}  // namespace evenkeel
