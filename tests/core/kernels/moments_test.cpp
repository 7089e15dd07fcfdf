#include <evenkeel/core/kernels/normalize.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/normalize_cases.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>

namespace evenkeel {
namespace {

using namespace testing;

bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() && std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

TEST(Moments, AreTheDefinitionOverAnyPartition) {
  for (const auto& c : norm_cases())
    for (const double mean : {0., 1e6}) {
      const Array x = random_values(c.shape, DType::float32, c.how.order, 1, mean);
      const Moments got = kernels::moments(x, c.how.moments);
      const auto want = reference<float>(x, x, {}, {}, c.how);
      EXPECT_LE(error_of<double>(got.mean, want.mean), 1e-13) << c.name << ", mean " << mean;
      EXPECT_LE(error_of<double>(got.var, want.var), 1e-11) << c.name << ", mean " << mean;
      EXPECT_EQ(got.count, x.size() / c.how.moments.total()) << c.name;
      const Array wide = random_values(c.shape, DType::float64, c.how.order, 1, mean);
      const Moments got_wide = kernels::moments(wide, c.how.moments);
      const auto want_wide = reference<double>(wide, wide, {}, {}, c.how);
      EXPECT_LE(error_of<double>(got_wide.mean, want_wide.mean), 1e-13) << c.name << ", mean " << mean;
      EXPECT_LE(error_of<double>(got_wide.var, want_wide.var), 1e-11) << c.name << ", mean " << mean;
    }
}

TEST(Moments, OfAConstantAreExact) {
  for (const auto& c : norm_cases())
    for (const DType dtype : {DType::float32, DType::float64})
      for (const double value : {0.1, 100., 5000., 14., 1e10, 1.5e38, -3e30}) {
        Array x(c.shape, dtype, c.how.order);
        dispatch_floating(dtype, [&]<class T>() {
          std::ranges::fill(x.mutable_stored<T>(), static_cast<T>(value));
          const Moments got = kernels::moments(x, c.how.moments);
          for (const double mean : got.mean.data<double>()) ASSERT_EQ(mean, static_cast<T>(value)) << c.name;
          for (const double var : got.var.data<double>()) ASSERT_EQ(var, 0) << c.name;
        });
      }
}

TEST(Moments, OfNothingAreZero) {
  for (const Groups groups : {Groups{1, 3, 0}, {1, 0, 4}, {0, 2, 3}, {1, 3, 4}}) {
    const Moments got = kernels::moments(Array(Shape{0}, DType::float32), groups);
    EXPECT_EQ(got.count, 0);
    EXPECT_EQ(got.mean.shape(), (Shape{groups.total()}));
    for (const double mean : got.mean.data<double>()) EXPECT_EQ(mean, 0);
    for (const double var : got.var.data<double>()) EXPECT_EQ(var, 0);
  }
}

TEST(Moments, SurviveAWildFirstElement) {
  for (const float wild : {1e4f, 1e6f})
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
      const auto c = norm_case("batch", {8, 4, 24, 24}, order);
      Array x = random_values(c.shape, DType::float32, order, 2);
      for (std::int64_t g = 0; g < 4; ++g)
        x.mutable_stored<float>()[static_cast<std::size_t>(c.how.moments.first_of(g, x.size()))] = wild;
      const Moments got = kernels::moments(x, c.how.moments);
      const auto want = reference<float>(x, x, {}, {}, c.how);
      EXPECT_LE(error_of<double>(got.mean, want.mean), 1e-11);
      EXPECT_LE(error_of<double>(got.var, want.var), 1e-11);
    }
}

// NormHistory.B30
TEST(Moments, OfTenMillionElementsAreExact) {
  const Array x = random_values({1 << 12, 2442}, DType::float32, MemoryOrder::row_major, 3, 1, 0.5);
  for (const Groups groups : {Groups{1, 1, x.size()}, {1, 1, 1}}) {
    const Moments got = kernels::moments(x, groups);
    long double mean = 0, var = 0;
    for (const float v : x.data<float>()) mean += v;
    mean /= static_cast<long double>(x.size());
    for (const float v : x.data<float>()) var += (v - mean) * (v - mean);
    var /= static_cast<long double>(x.size());
    EXPECT_NEAR(got.mean.data<double>()[0], static_cast<double>(mean), 1e-12);
    EXPECT_NEAR(got.var.data<double>()[0], static_cast<double>(var), 1e-11);
  }
}

TEST(Moments, AnInfOrNaNReachesItsGroupOnly) {
  constexpr auto inf = std::numeric_limits<float>::infinity(), nan = std::numeric_limits<float>::quiet_NaN();
  for (const auto& c : norm_cases())
    for (const float value : {inf, -inf, nan})
      for (const bool first : {true, false}) {
        Array x = random_values(c.shape, DType::float32, c.how.order, 4);
        const std::int64_t at = first ? 0 : x.size() / 2, hit = c.how.moments.of(at, x.size());
        const Moments clean = kernels::moments(x, c.how.moments);
        x.mutable_stored<float>()[static_cast<std::size_t>(at)] = value;
        const Moments got = kernels::moments(x, c.how.moments);
        for (std::size_t g = 0; g < got.mean.data<double>().size(); ++g) {
          const double mean = got.mean.data<double>()[g], var = got.var.data<double>()[g];
          if (static_cast<std::int64_t>(g) == hit) {
            EXPECT_TRUE(std::isnan(value) ? std::isnan(mean) : mean == value) << c.name << ": " << mean;
            EXPECT_TRUE(std::isnan(var)) << c.name;
          } else {
            EXPECT_EQ(mean, clean.mean.data<double>()[g]) << c.name;
            EXPECT_EQ(var, clean.var.data<double>()[g]) << c.name;
          }
        }
      }
}

TEST(Moments, HaveTheSameBitsForAnyNumberOfThreads) {
  for (const auto& c : all_cases()) {
    const Array x = random_values(c.shape, DType::float32, c.how.order, 5, 3);
    set_num_threads(1);
    const Moments one = kernels::moments(x, c.how.moments);
    for (const int threads : {2, 3, 4, 8}) {
      set_num_threads(threads);
      const Moments many = kernels::moments(x, c.how.moments);
      EXPECT_TRUE(same_bits(one.mean, many.mean) && same_bits(one.var, many.var)) << c.name;
    }
    set_num_threads(0);
  }
}

}  // namespace
}  // namespace evenkeel
