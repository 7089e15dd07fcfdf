#include <evenkeel/core/kernels/normalize.h>
#include <evenkeel/core/kernels/reduce.h>
#include <evenkeel/core/kernels/stream.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/normalize_cases.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <limits>

namespace evenkeel {
namespace {

using namespace testing;
using kernels::normalize;
using kernels::normalize_backward;

bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() && std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

struct Operands {
  Operands(const NormalizeCase& c, DType dtype, double mean, double std, bool affine = true)
      : x(random_values(c.shape, dtype, c.how.order, 1, mean, std)),
        dy(random_values(c.shape, dtype, c.how.order, 2)) {
    if (affine) gamma = random_values({c.how.affine.total()}, dtype, MemoryOrder::row_major, 3, 1, 0.3);
    if (affine) beta = random_values({c.how.affine.total()}, dtype, MemoryOrder::row_major, 4);
  }
  Array x, dy, gamma, beta;
};

template <class T>
void expect_reference(const NormalizeCase& c, const Operands& in, double tolerance, const std::string& what) {
  const auto [y, moments] = normalize(in.x, in.gamma, in.beta, c.how);
  const auto got = normalize_backward(in.dy, in.x, in.gamma, moments.mean, moments.var, c.how, {});
  const auto want = reference<T>(in.x, in.dy, in.gamma, in.beta, c.how);
  EXPECT_EQ(y.order(), c.how.order) << c.name << what;
  EXPECT_LE(error_of<T>(y, want.y), tolerance) << c.name << what;
  EXPECT_LE(error_of<T>(got.gamma, want.dgamma), tolerance) << c.name << what;
  EXPECT_LE(error_of<T>(got.beta, want.dbeta), tolerance) << c.name << what;
  // Groups of one or two elements have gradients that all but cancel.
  if (moments.count > 2) {
    EXPECT_LE(error_of<T>(got.x, want.dx), tolerance) << c.name << what;
  }
}

TEST(Normalize, IsTheDefinitionOverAnyPartition) {
  for (const auto& c : norm_cases())
    for (const bool affine : {true, false}) {
      expect_reference<float>(c, Operands(c, DType::float32, 0.5, 2, affine), 1e-6,
                              affine ? "" : ", no affine");
      expect_reference<double>(c, Operands(c, DType::float64, 0.5, 2, affine), 1e-13, ", float64");
    }
}

TEST(Normalize, IsTheDefinitionOverLargeGroups) {
  for (const auto& c : large_cases())
    expect_reference<float>(c, Operands(c, DType::float32, 0.5, 2), 1e-6, "");
}

TEST(Normalize, IsTheDefinitionPastTheCaches) {
  for (const auto& c : huge_cases()) {
    ASSERT_TRUE(kernels::is_past_caches(c.shape.count() * 4)) << c.name;
    // The others must have the bits of a sample alone, below.
    if (!c.by_sample) expect_reference<float>(c, Operands(c, DType::float32, 0.5, 2), 1e-6, "");
  }
}

// Hazards N: every row of the table, where PyTorch fails from mean 1e2 on.
TEST(Normalize, IsExactFarFromZero) {
  const std::pair<double, double> rows[]{{1, 0},   {1, 1e2},    {1, 1e3},    {1, 1e4},   {1, 1e5},
                                         {1, 1e6}, {1e-2, 1e2}, {1e-2, 1e4}, {1e-2, 1e5}};
  for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
    const Shape shape{16, 4, 32, 32};
    std::vector<NormalizeCase> cases{norm_case("batch", shape, order), norm_case("instance", shape, order, 4),
                                     norm_case("group", shape, order, 2)};
    if (order == MemoryOrder::row_major) cases.push_back(layer_case(shape, 1, 1));
    for (const auto& c : cases)
      for (const auto& [std, mean] : rows)
        expect_reference<float>(c, Operands(c, DType::float32, mean, std), 1e-6,
                                ", std " + std::to_string(std) + ", mean " + std::to_string(mean));
  }
}

TEST(Normalize, IsExactNear1e30AndNearZero) {
  for (const auto& c : norm_cases()) {
    if (c.how.moments.total() * 4 > c.shape.count()) continue;
    auto tiny = c;
    tiny.how.eps = 0;
    expect_reference<float>(c, Operands(c, DType::float32, 0, 1e30), 1e-6, ", 1e30");
    expect_reference<float>(c, Operands(c, DType::float32, 3e30, 1e30), 1e-6, ", 3e30");
    expect_reference<float>(tiny, Operands(tiny, DType::float32, 0, 1e-20), 1e-6, ", 1e-20");
  }
}

TEST(Normalize, ByGivenMomentsIsTheDefinition) {
  for (auto c : norm_cases()) {
    c.how.moments_of_input = false;
    const Operands in(c, DType::float32, 1e6, 2);
    const auto groups = c.how.moments.total();
    Moments given{random_values({groups}, DType::float64, MemoryOrder::row_major, 5, 1e6, 1),
                  random_values({groups}, DType::float64, MemoryOrder::row_major, 6, 4, 0.1), 0};
    const Array y = normalize(in.x, in.gamma, in.beta, given, c.how);
    const auto got = normalize_backward(in.dy, in.x, in.gamma, given.mean, given.var, c.how, {});
    const auto want = reference<float>(in.x, in.dy, in.gamma, in.beta, c.how, &given);
    EXPECT_LE(error_of<float>(y, want.y), 1e-6) << c.name;
    EXPECT_LE(error_of<float>(got.x, want.dx), 1e-6) << c.name;
    EXPECT_LE(error_of<float>(got.gamma, want.dgamma), 1e-6) << c.name;
    EXPECT_LE(error_of<float>(got.beta, want.dbeta), 1e-6) << c.name;
  }
}

// NormHistory.B05 and B32: beta whatever the dtype, the partition and eps.
TEST(Normalize, AConstantIsBetaExactly) {
  for (auto c : norm_cases())
    for (const DType dtype : {DType::float32, DType::float64}) {
      Operands in(c, dtype, 0, 1);
      const Array want = kernels::spread(in.beta, c.how.affine, c.shape, c.how.order);
      for (const double value : {0., 0.1, 100., 5000., 14., 1e10, 1.5e38})
        for (const double eps : {0., 1e-5})
          dispatch_floating(dtype, [&]<class T>() {
            c.how.eps = eps;
            std::ranges::fill(in.x.template mutable_stored<T>(), static_cast<T>(value));
            const Array y = normalize(in.x, in.gamma, in.beta, c.how).output;
            EXPECT_TRUE(std::ranges::equal(y.stored<T>(), want.stored<T>())) << c.name << ", " << value;
          });
    }
}

TEST(Normalize, ANaNReachesItsGroupOnly) {
  for (const auto& c : norm_cases()) {
    Operands in(c, DType::float32, 0, 1);
    const Array clean = normalize(in.x, in.gamma, in.beta, c.how).output;
    const auto at = in.x.size() / 2, hit = c.how.moments.of(at, in.x.size());
    in.x.mutable_stored<float>()[static_cast<std::size_t>(at)] = std::numeric_limits<float>::quiet_NaN();
    const auto [y, moments] = normalize(in.x, in.gamma, in.beta, c.how);
    const auto got = normalize_backward(in.dy, in.x, in.gamma, moments.mean, moments.var, c.how, {});
    for (std::int64_t i = 0; i < y.size(); ++i) {
      const auto k = static_cast<std::size_t>(i);
      const bool is_hit = c.how.moments.of(i, y.size()) == hit;
      ASSERT_TRUE(is_hit ? std::isnan(y.stored<float>()[k])
                         : y.stored<float>()[k] == clean.stored<float>()[k])
          << c.name << " at " << i;
      ASSERT_EQ(std::isnan(got.x.stored<float>()[k]), is_hit) << c.name << " at " << i;
    }
  }
}

TEST(Normalize, ANegativeVarianceIsNaNAndZeroIsBeta) {
  const auto c = norm_case("batch", {4, 3, 8, 8}, MemoryOrder::row_major);
  auto how = c.how;
  how.eps = 0;
  how.moments_of_input = false;
  const Operands in(c, DType::float32, 0, 1);
  const Moments given{Array({3}, DType::float64), Array::from(std::vector<double>{-1, 0, 1}, {3}), 0};
  const Array y = normalize(in.x, in.gamma, in.beta, given, how);
  for (std::size_t i = 0; i < 768; ++i) {
    const auto channel = i / 64 % 3;
    if (channel == 0) {
      EXPECT_TRUE(std::isnan(y.data<float>()[i]));
    } else if (channel == 1) {
      EXPECT_EQ(y.data<float>()[i], in.beta.data<float>()[1]);
    }
  }
}

TEST(Normalize, HasTheBitsOfMomentsThenNormalize) {
  for (const auto& c : all_cases())
    for (const DType dtype : {DType::float32, DType::float64}) {
      const Operands in(c, dtype, 2, 1);
      const auto [y, moments] = normalize(in.x, in.gamma, in.beta, c.how);
      const Moments alone = kernels::moments(in.x, c.how.moments);
      EXPECT_TRUE(same_bits(moments.mean, alone.mean) && same_bits(moments.var, alone.var)) << c.name;
      EXPECT_EQ(moments.count, alone.count);
      EXPECT_TRUE(same_bits(y, normalize(in.x, in.gamma, in.beta, alone, c.how))) << c.name;
    }
}

TEST(Normalize, HasTheSameBitsForAnyNumberOfThreads) {
  for (auto c : all_cases())
    for (const bool moments_of_input : {true, false}) {
      c.how.moments_of_input = moments_of_input;
      const Operands in(c, DType::float32, 2, 1);
      const auto run = [&](int threads) {
        set_num_threads(threads);
        const auto [y, moments] = normalize(in.x, in.gamma, in.beta, c.how);
        auto got = normalize_backward(in.dy, in.x, in.gamma, moments.mean, moments.var, c.how, {});
        set_num_threads(0);
        return std::pair(y, got);
      };
      const auto one = run(1);
      for (const int threads : {2, 3, 4, 8}) {
        const auto many = run(threads);
        EXPECT_TRUE(same_bits(one.first, many.first) && same_bits(one.second.x, many.second.x) &&
                    same_bits(one.second.gamma, many.second.gamma) &&
                    same_bits(one.second.beta, many.second.beta))
            << c.name << ", " << threads << " threads";
      }
    }
}

/// The same normalization of the first `samples` samples.
NormalizeCase of_samples(const NormalizeCase& c, std::int64_t samples) {
  const auto all = c.shape[0];
  NormalizeCase part = c;
  part.shape = c.shape.with(0, samples);
  if (c.how.moments.blocks == all && all > 1)
    part.how.moments.blocks = samples;
  else if (c.how.order == MemoryOrder::channels_last)
    part.how.moments.blocks = c.how.moments.blocks * samples / all;
  else
    part.how.moments.count = c.how.moments.count * samples / all;
  if (c.name.starts_with("a scale")) part.how.affine.count = samples;
  return part;
}
Array first_samples(const Array& a, std::int64_t samples) {
  Array out(a.shape().with(0, samples), a.dtype(), a.order());
  std::ranges::copy(a.bytes().first(out.bytes().size()), out.mutable_bytes().begin());
  return out;
}

TEST(Normalize, ASampleHasTheSameBitsAloneAndInABatch) {
  auto cases = all_cases();
  std::ranges::copy(huge_cases(), std::back_inserter(cases));
  for (const auto& c : cases) {
    if (!c.by_sample) continue;
    const Operands in(c, DType::float32, 2, 1);
    const auto [y, moments] = normalize(in.x, in.gamma, in.beta, c.how);
    const Array dx = normalize_backward(in.dy, in.x, in.gamma, moments.mean, moments.var, c.how, {}).x;
    const auto one = of_samples(c, 1);
    const Array x = first_samples(in.x, 1), dy = first_samples(in.dy, 1);
    const auto [y_alone, moments_alone] = normalize(x, in.gamma, in.beta, one.how);
    EXPECT_TRUE(same_bits(y_alone, first_samples(y, 1))) << c.name;
    EXPECT_TRUE(
        same_bits(normalize_backward(dy, x, in.gamma, moments_alone.mean, moments_alone.var, one.how, {}).x,
                  first_samples(dx, 1)))
        << c.name;
  }
}

TEST(Normalize, ByGivenMomentsASampleHasTheSameBitsPastTheCaches) {
  for (auto c : huge_cases()) {
    if (c.by_sample) continue;
    c.how.moments_of_input = false;
    const Operands in(c, DType::float32, 2, 1);
    const Moments given = kernels::moments(in.x, c.how.moments);
    const Array x = first_samples(in.x, 1), dy = first_samples(in.dy, 1);
    EXPECT_TRUE(same_bits(normalize(x, in.gamma, in.beta, given, c.how),
                          first_samples(normalize(in.x, in.gamma, in.beta, given, c.how), 1)))
        << c.name;
    const auto dx_of = [&](const Array& some_dy, const Array& some_x) {
      return normalize_backward(some_dy, some_x, in.gamma, given.mean, given.var, c.how, {}).x;
    };
    EXPECT_TRUE(same_bits(dx_of(dy, x), first_samples(dx_of(in.dy, in.x), 1))) << c.name;
  }
}

TEST(Normalize, ByGivenMomentsTheInputHasNoSayInItsGradient) {
  for (auto c : norm_cases()) {
    c.how.moments_of_input = false;
    Operands in(c, DType::float32, 2, 1);
    const Moments given = kernels::moments(in.x, c.how.moments);
    const auto dx = [&] {
      return normalize_backward(in.dy, in.x, in.gamma, given.mean, given.var, c.how, {}).x;
    };
    const Array clean = dx();
    std::ranges::fill(in.x.mutable_stored<float>(), std::numeric_limits<float>::quiet_NaN());
    EXPECT_TRUE(same_bits(dx(), clean)) << c.name;
  }
}

TEST(Normalize, GivesOnlyWhatIsWanted) {
  for (const auto& c : norm_cases()) {
    const Operands in(c, DType::float32, 2, 1);
    const Moments m = kernels::moments(in.x, c.how.moments);
    const auto all = normalize_backward(in.dy, in.x, in.gamma, m.mean, m.var, c.how, {});
    const auto x =
        normalize_backward(in.dy, in.x, in.gamma, m.mean, m.var, c.how, {.x = true, .affine = false});
    const auto affine =
        normalize_backward(in.dy, in.x, in.gamma, m.mean, m.var, c.how, {.x = false, .affine = true});
    EXPECT_FALSE(x.gamma.defined() || x.beta.defined() || affine.x.defined()) << c.name;
    EXPECT_TRUE(same_bits(x.x, all.x)) << c.name;
    EXPECT_TRUE(same_bits(affine.gamma, all.gamma) && same_bits(affine.beta, all.beta)) << c.name;
  }
}

TEST(Normalize, OfNothingIsNothingWithZeroGradients) {
  for (const Shape& shape : {Shape{0, 3, 4, 4}, {2, 3, 0, 4}, {2, 0, 4, 4}})
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
      const auto c = norm_case("batch", shape, order);
      const Operands in(c, DType::float32, 0, 1);
      const auto [y, m] = normalize(in.x, in.gamma, in.beta, c.how);
      EXPECT_EQ(y.shape(), shape);
      EXPECT_EQ(m.count, 0);
      const auto got = normalize_backward(in.dy, in.x, in.gamma, m.mean, m.var, c.how, {});
      EXPECT_EQ(got.x.shape(), shape);
      EXPECT_EQ(got.gamma.shape(), (Shape{shape[1]}));
      for (const float value : got.gamma.data<float>()) EXPECT_EQ(value, 0);
      for (const float value : got.beta.data<float>()) EXPECT_EQ(value, 0);
    }
}

// NormHistory.B17
TEST(Normalize, TakesSeventyThousandSamplesOfOneChannel) {
  for (const Shape& shape : {Shape{70000, 1}, {70000, 1, 1, 1}}) {
    const auto c = norm_case("batch", shape, MemoryOrder::row_major);
    expect_reference<float>(c, Operands(c, DType::float32, 5, 1), 1e-6, "");
  }
}

}  // namespace
}  // namespace evenkeel
