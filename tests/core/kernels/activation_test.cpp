#include <evenkeel/core/kernels/activation.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <numbers>

namespace evenkeel {
namespace {

using testing::doubles;
using Real = long double;

/// The definitions: value(x) and its derivative.
struct Activation {
  const char* name;
  Array (*forward)(const Array& x);
  Array (*backward)(const Array& grad, const Array& saved);
  bool saves_result;
  std::function<Real(Real)> value, slope;
};

Real logistic(Real x) { return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x)); }
Real below(Real x) { return std::erfc(-x / std::numbers::sqrt2_v<Real>) / 2; }
Real density(Real x) {
  return std::exp(-x * x / 2) * std::numbers::inv_sqrtpi_v<Real> / std::numbers::sqrt2_v<Real>;
}
Real bent(Real x) {
  return 2 * std::numbers::sqrt2_v<Real> * std::numbers::inv_sqrtpi_v<Real> * (x + 0.044715L * x * x * x);
}
Real bent_slope(Real x) {
  return 2 * std::numbers::sqrt2_v<Real> * std::numbers::inv_sqrtpi_v<Real> * (1 + 3 * 0.044715L * x * x);
}

const Activation activations[]{
    {"sigmoid", kernels::sigmoid, kernels::sigmoid_backward, true, logistic,
     [](Real x) { return logistic(x) * logistic(-x); }},
    {"tanh", kernels::tanh, kernels::tanh_backward, true, [](Real x) { return std::tanh(x); },
     [](Real x) { return 4 * logistic(2 * x) * logistic(-2 * x); }},
    {"silu", kernels::silu, kernels::silu_backward, false, [](Real x) { return x * logistic(x); },
     [](Real x) { return logistic(x) * (1 + x * logistic(-x)); }},
    {"gelu", kernels::gelu, kernels::gelu_backward, false, [](Real x) { return x * below(x); },
     [](Real x) { return below(x) + x * density(x); }},
    {"gelu_tanh", kernels::gelu_tanh, kernels::gelu_tanh_backward, false,
     [](Real x) { return x * logistic(bent(x)); },
     [](Real x) { return logistic(bent(x)) * (1 + x * logistic(-bent(x)) * bent_slope(x)); }},
    {"softplus", [](const Array& x) { return kernels::softplus(x, 1, 20); },
     [](const Array& grad, const Array& x) { return kernels::softplus_backward(grad, x, 1, 20); }, false,
     [](Real x) { return x > 20 ? x : std::log1p(std::exp(x)); },
     [](Real x) { return x > 20 ? 1 : logistic(x); }},
};

/// Both signs of all magnitudes, and densely what lies between saturation and saturation.
template <class T>
Array inputs() {
  std::vector<double> x{0};
  for (double v = std::numeric_limits<T>::min(); v < 1e4; v *= 1.37) x.insert(x.end(), {v, -v});
  for (double v = -760; v <= 760; v += 0.37) x.push_back(v);
  for (double v = -20; v <= 20; v += 0.0137) x.push_back(v);
  return Array::from(x, {static_cast<std::int64_t>(x.size())}, dtype_of<T>);
}

/// |got - want| in units in the last place of T, with `slack` allowed besides.
template <class T>
Real ulps(double got, Real want, Real slack) {
  const Real unit = std::max<Real>(std::abs(want) * std::numeric_limits<T>::epsilon(),
                                   std::numeric_limits<T>::denorm_min());
  return std::max<Real>(0, std::abs(static_cast<Real>(got) - want) - slack) / unit;
}

/// At most so many units in the last place from the definition at some x within `input_ulps` of those given.
/// A derivative that crosses zero, or is made of a rounded result, may be off by `of_slopes` units of 1 as
/// well.
template <class T>
void expect_definitions(Real most, Real input_ulps, Real of_slopes) {
  constexpr Real eps = std::numeric_limits<T>::epsilon(), least = std::numeric_limits<T>::denorm_min();
  const Array x = inputs<T>(), ones = Array::from(std::vector<double>(static_cast<std::size_t>(x.size()), 1),
                                                  x.shape(), x.dtype());
  const auto at = doubles(x);
  for (const auto& f : activations) {
    const Array y = f.forward(x);
    const auto values = doubles(y), slopes = doubles(f.backward(ones, f.saves_result ? y : x));
    Real value_error = 0, slope_error = 0;
    for (std::size_t i = 0; i < at.size(); ++i) {
      const auto moved = [&, v = static_cast<Real>(at[i])](const auto& definition) {
        constexpr Real step = 1e-9L;
        return std::abs(definition(v * (1 + step)) - definition(v)) / step * eps + std::abs(v) * least;
      };
      value_error = std::max(value_error, ulps<T>(values[i], f.value(at[i]), input_ulps * moved(f.value)));
      slope_error = std::max(
          slope_error, ulps<T>(slopes[i], f.slope(at[i]), input_ulps * moved(f.slope) + of_slopes * eps));
    }
    EXPECT_LE(value_error, most) << f.name;
    EXPECT_LE(slope_error, most) << f.name << ", derivative";
  }
}

TEST(Activation, InFloatIsRoundedOnce) { expect_definitions<float>(0.51, 0, 2); }
TEST(Activation, InDoubleIsTheDefinition) { expect_definitions<double>(4, 1.5, 4); }

TEST(Activation, KeepsNaNAndSaturatesAtInfinity) {
  constexpr double inf = std::numeric_limits<double>::infinity(),
                   nan = std::numeric_limits<double>::quiet_NaN();
  for (const DType dtype : {DType::float32, DType::float64}) {
    const Array x = Array::from(std::vector{nan, inf, -inf}, {3}, dtype);
    const double at_infinity[][2]{{1, 0}, {1, -1}, {inf, nan}, {inf, nan}, {inf, nan}, {inf, 0}};
    for (std::size_t i = 0; i < std::size(activations); ++i) {
      const auto y = doubles(activations[i].forward(x));
      EXPECT_TRUE(std::isnan(y[0])) << activations[i].name;
      EXPECT_EQ(y[1], at_infinity[i][0]) << activations[i].name;
      const double lowest = at_infinity[i][1];
      EXPECT_TRUE(std::isnan(lowest) ? std::isnan(y[2]) : y[2] == lowest) << activations[i].name << y[2];
    }
  }
}

TEST(Activation, KeepsTheSignOfAZero) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const auto activation : {kernels::tanh, kernels::silu, kernels::gelu, kernels::gelu_tanh}) {
      const auto y = doubles(activation(Array::from(std::vector{0.0, -0.0}, {2}, dtype)));
      EXPECT_TRUE(y[0] == 0 && !std::signbit(y[0]));
      EXPECT_TRUE(y[1] == 0 && std::signbit(y[1]));
    }
}

TEST(Activation, SlopesOfHugeInputsAreOneOrNothing) {
  for (const double huge : {1e30, 1e155, 1e300}) {
    const DType dtype = huge < 1e38 ? DType::float32 : DType::float64;
    const Array x = Array::from(std::vector{huge, -huge}, {2}, dtype),
                ones = Array::from(std::vector{1.0, 1.0}, {2}, dtype);
    for (const auto& f : activations) {
      if (f.saves_result) continue;
      const auto slopes = doubles(f.backward(ones, x));
      EXPECT_EQ(slopes[0], 1) << f.name << " at " << huge;
      EXPECT_EQ(slopes[1], 0) << f.name << " at " << -huge;
    }
  }
}

}  // namespace
}  // namespace evenkeel
