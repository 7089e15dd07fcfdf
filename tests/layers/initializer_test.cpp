#include <evenkeel/layers/initializer.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;

std::vector<double> made(const Initializer& initializer, const Shape& shape, std::uint64_t seed = 1) {
  Rng rng(seed);
  const auto array = initializer(shape, DType::float64, rng);
  const auto all = array.data<double>();
  return {all.begin(), all.end()};
}

TEST(Initializer, TakesANumberAnArrayOrACallable) {
  EXPECT_EQ(made(0, {2}), (std::vector<double>{0, 0}));
  EXPECT_EQ(made(2.5f, {2}), (std::vector<double>{2.5, 2.5}));
  EXPECT_EQ(made(true, {1}), std::vector<double>{1});
  EXPECT_EQ(made(Array::from(std::vector{3, 4}, {2}), {2}), (std::vector<double>{3, 4}));
  const auto count = [](const Shape& shape, Rng&) {
    return Array::from(std::vector<float>(static_cast<std::size_t>(shape.count()), 7.f), shape);
  };
  EXPECT_EQ(made(count, {1, 2}), (std::vector<double>{7, 7}));
  static_assert(!std::is_constructible_v<Initializer, std::nullptr_t>);
}

TEST(Initializer, SharesNoStorageWithItsArray) {
  const Array given = Array::from(std::vector{3.f, 4.f}, {2});
  const Initializer initializer = given;
  Array made_array = initializer({2}, DType::float32);
  made_array.mutable_data<float>()[0] = 9;
  EXPECT_EQ(given.data<float>()[0], 3);
  EXPECT_FALSE(made_array.shares_storage_with(initializer({2}, DType::float32)));
}

TEST(Initializer, RefusesWhatDoesNotFit) {
  expect_error([] { made(Array({2}, DType::float32), {3}); }, "Initializer: expected shape [3], got [2]");
  expect_error(
      [] {
        made(Array({2}, DType::float32), {2, 1});
      },
      "Initializer: expected shape [2, 1], got [2]");
  expect_error([] { made([](const Shape&, Rng&) { return Array(); }, {3}); },
               "Initializer: expected shape [3]");
  expect_error([] { Initializer{Array()}; }, "Initializer: expected an array with values");
  expect_error([] { Initializer("foo"); }, "Initializer: unknown name \"foo\"; known are dirac he_normal");
  expect_error([] { Initializer("constant"); }, "unknown name \"constant\"");
  expect_error([] { Initializer("sparse"); }, "\"sparse\" needs a sparsity; use init::sparse(sparsity)");
  expect_error([] { made("xavier_uniform", {8}); },
               "'fan_in' and 'fan_out' can not be computed for tensor with fewer than 2 dimensions, but got "
               "dimensions 1 (shape [8])");
  expect_error([] { init::normal(0, -1); }, "init::normal: std must be finite and not negative, got -1");
  expect_error([] { init::uniform(1, 0); }, "init::uniform: expected low <= high, got 1 and 0");
  expect_error([] { init::truncated_normal(0, 1, 2, 2); }, "expected low < high, got 2 and 2");
  expect_error([] { init::he_uniform({.mode = Fan::average}); }, "mode must be Fan::in or Fan::out");
  expect_error([] { init::variance_scaling({.scale = 0}); }, "scale must be positive, got 0");
  expect_error([] { made("identity", {2, 2, 2}); }, "init::identity: expected a matrix, got shape [2, 2, 2]");
  expect_error([] { made("dirac", {2, 2}); }, "init::dirac: expected 3, 4 or 5 dimensions, got shape [2, 2]");
  expect_error(
      [] {
        made(init::dirac(2), {3, 1, 1});
      },
      "the first dimension (3) must be divisible by groups (2)");
  expect_error([] { made("orthogonal", {3}); }, "init::orthogonal: expected at least 2 dimensions");
  expect_error([] { init::sparse(1.5); }, "init::sparse: sparsity must lie in [0, 1], got 1.5");
}

TEST(Initializer, DrawsTheSameNumbersInBothDtypes) {
  Rng one(3), two(3);
  const Array narrow = init::normal(0, 1)({5}, DType::float32, one),
              wide = init::normal(0, 1)({5}, DType::float64, two);
  for (std::size_t i = 0; i < 5; ++i)
    EXPECT_EQ(narrow.data<float>()[i], static_cast<float>(wide.data<double>()[i]));
  EXPECT_EQ(one.position(), two.position());
  EXPECT_EQ(made("zeros", {0}), std::vector<double>());
  EXPECT_EQ(made("he_uniform", {3, 0}), std::vector<double>());
  EXPECT_EQ(made("orthogonal", {0, 3}), std::vector<double>());
}

TEST(Initializer, TruncatedNormalFollowsTheCutDistribution) {
  // Its quartiles by the definition: the share below z is (Phi(z) - Phi(a)) / (Phi(b) - Phi(a)).
  const auto phi = [](double z) { return std::erfc(-z / std::sqrt(2.0)) / 2; };
  for (const auto& [mean, std, low, high] : std::vector<std::array<double, 4>>{
           {0, 1, -2, 2}, {1, 2, -2, 2}, {0, 1, 5, 6}, {0, 1, -6, -5}, {-3, 0.5, -1, 40}}) {
    const auto values = made(init::truncated_normal(mean, std, low, high), {20000});
    const double a = (low - mean) / std, b = (high - mean) / std;
    for (const double at : {0.1, 0.3, 0.5}) {
      const double value =
          low + at * (std::min(high, mean + 4 * std) > low ? std::min(high, low + 4 * std) - low : std);
      const double z = (value - mean) / std;
      const double expected =
          a > 0 ? (phi(-a) - phi(-z)) / (phi(-a) - phi(-b)) : (phi(z) - phi(a)) / (phi(b) - phi(a));
      const auto below = std::ranges::count_if(values, [&](double v) { return v < value; });
      EXPECT_NEAR(static_cast<double>(below) / 20000, expected, 0.015) << mean << ' ' << std << ' ' << low;
    }
    EXPECT_GE(*std::ranges::min_element(values), low);
    EXPECT_LE(*std::ranges::max_element(values), high);
  }
  for (const double value : made(init::truncated_normal(0, 1, 100, 101), {50}))
    EXPECT_TRUE(value >= 100 && value <= 101);
  EXPECT_EQ(made(init::truncated_normal(5, 0), {1}), std::vector<double>{2});
}

TEST(Initializer, OrthogonalHasOrthonormalRowsOrColumns) {
  for (const Shape& shape : {Shape{4, 4}, Shape{3, 7}, Shape{7, 3}, Shape{4, 2, 3, 3}}) {
    const auto q = made(init::orthogonal(2), shape);
    const auto rows = static_cast<std::size_t>(shape[0]), columns = q.size() / rows,
               few = std::min(rows, columns);
    for (std::size_t i = 0; i < few; ++i)
      for (std::size_t j = 0; j < few; ++j) {
        double product = 0;
        for (std::size_t k = 0; k < std::max(rows, columns); ++k)
          product += rows <= columns ? q[i * columns + k] * q[j * columns + k]
                                     : q[k * columns + i] * q[k * columns + j];
        EXPECT_NEAR(product, i == j ? 4 : 0, 1e-13) << shape;
      }
  }
}

TEST(Initializer, SparseZeroesAShareOfEachColumn) {
  const auto values = made(init::sparse(0.3, 0.5), {10, 4});
  std::vector<std::size_t> first_column;
  for (std::size_t column = 0; column < 4; ++column) {
    int zeros = 0;
    for (std::size_t row = 0; row < 10; ++row) zeros += values[row * 4 + column] == 0;
    EXPECT_EQ(zeros, 3);
  }
  EXPECT_EQ(std::ranges::count(made(init::sparse(0.01), {10, 4}), 0.0), 4);  // ceil(0.1) in each column
  EXPECT_EQ(std::ranges::count(made(init::sparse(1), {10, 4}), 0.0), 40);
}

TEST(Initializer, DiracCopiesChannelsInGroups) {
  const auto values = made(init::dirac(2), {4, 2, 1, 3});
  for (std::size_t out = 0; out < 4; ++out)
    for (std::size_t in = 0; in < 2; ++in)
      for (std::size_t k = 0; k < 3; ++k)
        EXPECT_EQ(values[(out * 2 + in) * 3 + k], k == 1 && in == out % 2 ? 1 : 0);
}

TEST(Initializer, GainsArePyTorchs) {
  EXPECT_EQ(init::gain(Nonlinearity::linear), 1);
  EXPECT_EQ(init::gain(Nonlinearity::sigmoid), 1);
  EXPECT_EQ(init::gain(Nonlinearity::tanh), 5.0 / 3);
  EXPECT_EQ(init::gain(Nonlinearity::relu), std::sqrt(2.0));
  EXPECT_EQ(init::gain(Nonlinearity::leaky_relu, 0.5), std::sqrt(1.6));
  EXPECT_EQ(init::gain(Nonlinearity::selu), 0.75);
}

TEST(ParameterIf, IsAbsentUnlessWanted) {
  Rng rng(1);
  EXPECT_FALSE(parameter_if(false, 1, {2}, DType::float32, rng).has_value());
  EXPECT_FALSE(tensor_of(std::nullopt).defined());
  const auto present = parameter_if(true, 1, {2}, DType::float32, rng);
  EXPECT_EQ(tensor_of(present).node(), present->node());
}

}  // namespace
}  // namespace evenkeel
