#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/linear.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;

/// Whether options that leave `in_features` out compile.
template <class Options>
concept MayLeaveOutInFeatures = requires {
  Options{.out_features = 3};
};
template <class Options>
concept MayLeaveOutOutFeatures = requires {
  Options{.in_features = 3};
};
template <class Options>
concept MayLeaveOutTheRest = requires {
  Options{.in_features = 3, .out_features = 3};
};

TEST(Linear, RequiredOptionsCannotBeLeftOut) {
  static_assert(!MayLeaveOutInFeatures<Linear::Options> && !MayLeaveOutOutFeatures<Linear::Options>);
  static_assert(MayLeaveOutTheRest<Linear::Options>);
}

TEST(Linear, MultipliesByTheWeightAndAddsTheBias) {
  const Linear::Options options{.in_features = 2,
                                .out_features = 3,
                                .weight_init = Array::from(std::vector{1, 2, 3, 4, 5, 6}, {3, 2}),
                                .bias_init = Array::from(std::vector{10, 20, 30}, {3})};
  Linear layer(options);
  EXPECT_EQ(layer(Tensor::from({1.f, 1.f, 0.f, 2.f}, {2, 2})).to_vector(),
            (std::vector<double>{13, 27, 41, 14, 28, 42}));
  EXPECT_EQ(layer(Tensor::from({1.f, 1.f}, {2})).to_vector(), (std::vector<double>{13, 27, 41}));
  EXPECT_EQ(layer(zeros({4, 0, 2})).shape(), (Shape{4, 0, 3}));
}

TEST(Linear, MayHaveNoBiasAndNoFeatures) {
  Linear layer({.in_features = 2, .out_features = 3, .bias = false});
  EXPECT_FALSE(layer.bias.has_value());
  EXPECT_EQ(layer.parameters().size(), 1u);
  EXPECT_EQ(layer(zeros({1, 2})).to_vector(), (std::vector<double>{0, 0, 0}));
  Linear none({.in_features = 0, .out_features = 2});
  EXPECT_EQ(none.bias->to_vector(), (std::vector<double>{0, 0}));
  EXPECT_EQ(none(zeros({3, 0})).to_vector(), std::vector<double>(6));
}

TEST(Linear, RefusesWhatDoesNotFit) {
  expect_error([] { Linear({.in_features = -1, .out_features = 2}); },
               "Linear: in_features (-1) and out_features (2) must not be negative");
  expect_error(
      [] { Linear({.in_features = 1 << 30, .out_features = std::numeric_limits<std::int64_t>::max()}); },
      "elements");
  Linear layer({.in_features = 2, .out_features = 3});
  expect_error(
      [&] {
        layer(zeros({2, 3}));
      },
      "Linear: expected an input that ends in in_features (2), got float32 [2, 3]");
  expect_error([&] { layer(zeros({})); }, "Linear: expected an input that ends in in_features (2)");
  expect_error(
      [&] {
        layer(zeros({1, 2}, {.dtype = DType::float64}));
      },
      "Linear: expected float32 input as the parameters are, got float64 [1, 2]; convert");
  expect_error([&] { layer(Tensor()); }, "undefined");
}

TEST(Linear, TakesItsWeightsFromTheGivenGenerator) {
  Rng one(3), two(3);
  const Linear::Options o{.in_features = 4, .out_features = 2};
  EXPECT_EQ(Linear(o, one).weight.to_vector(), Linear(o, two).weight.to_vector());
  EXPECT_NE(Linear(o, one).weight.to_vector(), Linear(o).weight.to_vector());
  EXPECT_EQ(one.position(), 2u * 10);
}

}  // namespace
}  // namespace evenkeel
