#include <evenkeel/core/kernels/exponential.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>

namespace evenkeel {
namespace {

namespace simd = kernels::simd;
using Real = long double;

/// The largest error over [low, high], relative to the result or to the least normal number of Result.
template <class Result, class F>
Real error_of(F function, const std::function<Real(Real)>& definition, double low, double high) {
  Real worst = 0;
  constexpr auto n = simd::lanes<double>;
  for (double x = low; x <= high; x += (high - low) / 20011) {
    double in[n], out[n];
    for (std::int64_t i = 0; i < n; ++i) in[i] = std::min(high, x + static_cast<double>(i) * 1e-3);
    simd::store(out, function(simd::load(in)));
    for (std::int64_t i = 0; i < n; ++i) {
      const Real expected = definition(in[i]), least = std::numeric_limits<Result>::min();
      worst = std::max(worst, std::abs(out[i] - expected) / std::max(std::abs(expected), least));
    }
  }
  return worst;
}

template <class Result>
void expect_definitions(double lowest, double highest, Real most) {
  const auto exp = [](simd::Doubles x) { return simd::exp<Result>(x); };
  const auto expm1 = [](simd::Doubles x) { return simd::expm1<Result>(x); };
  const auto log1p = [](simd::Doubles x) { return simd::log1p<Result>(x); };
  EXPECT_LE(error_of<Result>(
                exp, [](Real x) { return std::exp(x); }, lowest, highest),
            most);
  EXPECT_LE(error_of<Result>(
                expm1, [](Real x) { return std::expm1(x); }, -700, 700),
            most);
  EXPECT_LE(error_of<Result>(
                expm1, [](Real x) { return std::expm1(x); }, -1e-3, 1e-3),
            most);
  EXPECT_LE(error_of<Result>(
                log1p, [](Real x) { return std::log1p(x); }, 0, 1),
            most);
  EXPECT_LE(error_of<Result>(
                log1p, [](Real x) { return std::log1p(x); }, 0, 1e-6),
            most);
}
TEST(Exponential, ToBeRoundedToFloatIsTheDefinition) { expect_definitions<float>(-760, 709, 0x1p-30L); }
TEST(Exponential, OfDoublesIsTheDefinition) { expect_definitions<double>(-708, 709.78, 0x1p-51L); }

template <class Result>
double exp_of(double x) {
  return simd::exp<Result>(simd::broadcast(x))[0];
}
TEST(Exponential, EndsInZeroAndInfinityAndKeepsNaN) {
  constexpr double inf = std::numeric_limits<double>::infinity(),
                   nan = std::numeric_limits<double>::quiet_NaN();
  for (const double x : {-709.1, -1e5, -inf}) EXPECT_EQ(exp_of<float>(x), 0) << x;
  for (const double x : {-746.0, -1e5, -inf}) EXPECT_EQ(exp_of<double>(x), 0) << x;
  EXPECT_NEAR(exp_of<double>(-740) / 4.2e-322, 1, 0.03);  // a denormal
  for (const double x : {709.8, 1e5, inf}) EXPECT_EQ(exp_of<double>(x), inf) << x;
  for (const double x : {709.0, 1e5, inf}) EXPECT_GT(exp_of<float>(x), 1e300) << x;
  EXPECT_TRUE(std::isnan(exp_of<float>(nan)) && std::isnan(exp_of<double>(nan)));
}

}  // namespace
}  // namespace evenkeel
