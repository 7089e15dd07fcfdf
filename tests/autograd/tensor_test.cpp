#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/comparison.h>
#include <evenkeel/autograd/ops/conv.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace evenkeel {
namespace {

using testing::expect_error;
using Doubles = std::vector<double>;

std::string text_of(const Tensor& x) {
  std::ostringstream os;
  os << x;
  return os.str();
}

TEST(Tensor, IsMadeFromValues) {
  EXPECT_EQ(Tensor::from({true, false}, {2}).dtype(), DType::uint8);
  EXPECT_EQ(Tensor::from({1, 2}, {2}).dtype(), DType::int64);
  EXPECT_EQ(Tensor::from({1.f, 2.f}, {2}).dtype(), DType::float32);
  EXPECT_EQ(arange(4).reshape({2, 2}).dtype(), DType::int64);
  EXPECT_EQ(arange(5, -1, -2).to_vector(), (Doubles{5, 3, 1}));
  EXPECT_EQ(full({2}, 3, {.dtype = DType::uint8}).to_vector(), (Doubles{3, 3}));
  EXPECT_EQ(ones_like(zeros({2, 1}, {.dtype = DType::float64})).dtype(), DType::float64);
}

TEST(Tensor, GivesItsValuesBack) {
  const Tensor x = Tensor::from({1.f, 2.f, 3.f, 4.f}, {2, 2});
  EXPECT_EQ(x.at<float>({0, 1}), 2.f);
  EXPECT_EQ(x.at({-1, -1}), 4);
  EXPECT_EQ(sum(x).item<float>(), 10.f);
  expect_error([&] { x.item(); }, "item: expected one element, got shape [2, 2]");
  expect_error([&] { x.at({0, 2}); }, "at: index 2 is outside axis 1 of shape [2, 2]");
  expect_error([&] { x.at({0}); }, "at: 1 indices for shape [2, 2]");
  expect_error([] { Tensor().shape(); }, "Tensor: undefined, it has no value");
}

TEST(Tensor, PrintsNested) {
  EXPECT_EQ(text_of(Tensor::from({1.5, 2., 3., 4.}, {2, 2})), "[[1.5, 2],\n [3, 4]] float64 [2, 2]");
  EXPECT_EQ(text_of(Tensor::from({7}, {})), "7 int64 []");
  EXPECT_EQ(text_of(zeros({0, 3})), "[] float32 [0, 3]");
  EXPECT_EQ(text_of(Tensor()), "undefined");
  EXPECT_EQ(text_of(arange(2000)), "[0, 1, 2, ..., 1997, 1998, 1999] int64 [2000]");
}

TEST(Tensor, LookingNeverChangesWhatIsStored) {
  const Tensor x = reorder(randn({2, 3, 4, 5}), MemoryOrder::channels_last);
  const std::span<const float> raw = x.value().data<float>();
  EXPECT_EQ(raw.data(), x.value().data<float>().data());
  EXPECT_EQ(x.stored().order(), MemoryOrder::channels_last);
  EXPECT_EQ(raw[1], x.at<float>({0, 0, 0, 1}));
  x.fill_(3);
  EXPECT_EQ(x.at({1, 2, 3, 4}), 3);
}

TEST(Tensor, RequiresGradOnlyWhereItCanHaveOne) {
  expect_error(
      [] {
        Tensor::from({1, 2}, {2}, {.requires_grad = true});
      },
      "only float32 and float64 tensors can require gradients, got int64 [2]");
  const Tensor x = randn({2}, {.requires_grad = true}), y = exp(x);
  expect_error<GraphError>([&] { y.set_requires_grad(false); },
                           "set_requires_grad: expected a leaf, got a result of exp");
  x.set_requires_grad(false);
  EXPECT_FALSE(exp(x).requires_grad());
}

TEST(Tensor, ArithmeticOnIntegers) {
  const Tensor a = arange(4);
  EXPECT_EQ((a * 2 + a - 1).to_vector(), (Doubles{-1, 2, 5, 8}));
  EXPECT_EQ((-a).to_vector(), (Doubles{0, -1, -2, -3}));
  EXPECT_EQ(sum(a > 1).item<std::int64_t>(), 2);
  EXPECT_EQ(sum(a > 1).dtype(), DType::int64);
  EXPECT_EQ(sum(Tensor::from(std::vector<std::uint8_t>(300, 255), {300})).item(), 76500);
  EXPECT_EQ(maximum(a, Tensor::from({2}, {})).to_vector(), (Doubles{2, 2, 2, 3}));
  expect_error([&] { a * 0.5; }, "mul: 0.5 is no int64");
  expect_error([&] { a / 2; }, "div: expected float32 or float64, got int64 [4]");
  expect_error([&] { mean(a); }, "mean: expected float32 or float64, got int64 [4]");
  expect_error([&] { a + ones({4}); }, "add: int64 [4] does not fit float32 [4]; expected one dtype");
}

TEST(Tensor, ComparisonsFollowIeee) {
  const Tensor x = Tensor::from(Doubles{1, NAN, INFINITY}, {3});
  EXPECT_EQ((x == x).to_vector(), (Doubles{1, 0, 1}));
  EXPECT_EQ((x != x).to_vector(), (Doubles{0, 1, 0}));
  EXPECT_EQ((x <= 1).to_vector(), (Doubles{1, 0, 0}));
  EXPECT_EQ((x > 1).dtype(), DType::uint8);
}

TEST(Tensor, ReductionsOfNothingAndNaN) {
  const Tensor none = zeros({0, 3});
  EXPECT_EQ(sum(none).item(), 0);
  EXPECT_TRUE(std::isnan(mean(none).item()));
  EXPECT_EQ(sum(none, {.axes = {0}}).to_vector(), (Doubles{0, 0, 0}));
  expect_error([&] { max(none); }, "max: expected at least one element to choose from, got input [0, 3]");
  EXPECT_EQ(max(none, {.axes = {1}}).shape(), Shape({0}));
  const Tensor x = Tensor::from(Doubles{1, NAN, 3, 3}, {4});
  EXPECT_TRUE(std::isnan(max(x).item()));
  EXPECT_EQ(argmax(x).item(), 1);
  EXPECT_TRUE(std::isnan(var(ones({1})).item()));
  expect_error([&] { sum(x, {.axes = {0, -1}}); }, "sum: axis 0 of shape [4] is named twice");
  expect_error([&] { sum(x, {.axes = {1}}); }, "axis 1 of shape [4] does not exist");
}

TEST(Tensor, VarianceOfDistantDataIsExact) {
  const Tensor x = Tensor::from({1e4f, 1e4f + 1, 1e4f + 2, 1e4f + 3}, {4});
  EXPECT_FLOAT_EQ(var(x).item<float>(), 5.f / 3);
}

TEST(Tensor, ExtremesShareTheGradientAmongEquals) {
  const Tensor x = Tensor::from({2., 5., 5., 1.}, {4}, {.requires_grad = true});
  max(x).backward();
  EXPECT_EQ(x.grad().to_vector(), (Doubles{0, 0.5, 0.5, 0}));
  const Tensor a = Tensor::from({1., 3.}, {2}, {.requires_grad = true}), b = Tensor::from({1., 2.}, {2});
  sum(maximum(a, b)).backward();
  EXPECT_EQ(a.grad().to_vector(), (Doubles{0.5, 1}));
}

TEST(Tensor, ShapesThatDoNotFitAreNamed) {
  const Tensor x = zeros({2, 3});
  expect_error([&] { x.reshape({4}); }, "reshape: [2, 3] does not fit [4]");
  expect_error([&] { x.reshape({-1, 4}); }, "reshape: [2, 3] does not fit");
  expect_error([&] { permute(x, {0, 0}); }, "permute: axis 0 of shape [2, 3] is named twice");
  expect_error([&] { permute(x, {0}); }, "permute: expected 2 axes for shape [2, 3], got 1");
  expect_error([&] { transpose(x, 0, 2); }, "transpose: axis 2 is outside [-2, 2)");
  expect_error([&] { concat({}, 0); }, "concat: expected at least one tensor, got none");
  expect_error(
      [&] {
        concat({x, zeros({2, 4})}, 0);
      },
      "concat: float32 [2, 3] does not fit float32 [2, 4] along axis 0");
  expect_error([&] { stack({x, zeros({3, 3})}); }, "stack: float32 [2, 3] does not fit float32 [3, 3]");
  expect_error([&] { where(x, x, x); }, "where: expected a uint8 condition, got float32 [2, 3]");
  expect_error([&] { clamp(x, {}); }, "clamp: expected min, max, or both, got neither");
}

TEST(Tensor, SlicesAreHeldInsideTheAxis) {
  const Tensor x = arange(5);
  EXPECT_EQ(slice(x, {.begin = 1, .end = 3}).to_vector(), (Doubles{1, 2}));
  EXPECT_EQ(slice(x, {.begin = -2}).to_vector(), (Doubles{3, 4}));
  EXPECT_EQ(slice(x, {.begin = 3, .end = 99}).to_vector(), (Doubles{3, 4}));
  EXPECT_EQ(slice(x, {.begin = 4, .end = 2}).shape(), Shape({0}));
  EXPECT_EQ(slice(x, {.begin = std::numeric_limits<std::int64_t>::min()}).size(), 5);
}

TEST(Tensor, NhwcIsAChangeOfLabel) {
  const Tensor nhwc = randn({2, 4, 5, 3}), y = nchw_of_nhwc(nhwc);
  EXPECT_EQ(y.shape(), Shape({2, 3, 4, 5}));
  EXPECT_TRUE(y.stored().shares_storage_with(nhwc.stored()));
  EXPECT_TRUE(nhwc_of_nchw(y).stored().shares_storage_with(nhwc.stored()));
}

}  // namespace
}  // namespace evenkeel
