#include <evenkeel/data/transforms.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <limits>
#include <map>
#include <numeric>
#include <utility>

namespace evenkeel::data {
namespace {

using testing::expect_error;

std::vector<Rng> rngs(std::size_t n) {
  std::vector<Rng> all;
  for (std::size_t i = 0; i < n; ++i) all.emplace_back(i);
  return all;
}
/// Each value tells where it stands, and none is 0.
Array numbered(const Shape& shape) {
  std::vector<float> values(static_cast<std::size_t>(shape.count()));
  std::iota(values.begin(), values.end(), 1.f);
  return Array::from(values, shape);
}
Array run(const Transform& transform, const Array& inputs) {
  auto generators = rngs(static_cast<std::size_t>(inputs.shape()[0]));
  return transform(inputs, generators);
}

TEST(Transforms, NormalizeWorksByChannel) {
  const Array out = run(normalize({1, 10}, {2, 0.5}), numbered({2, 2, 1, 2}));
  const std::vector<float> expected{0, 0.5, -14, -12, 2, 2.5, -6, -4};
  EXPECT_TRUE(std::ranges::equal(out.data<float>(), expected));
}

TEST(Transforms, NormalizeRefusesWhatDoesNotFit) {
  expect_error<ArgumentError>([] { normalize({1, 2}, {1}); }, "normalize: 2 means and 1 deviations");
  expect_error<ArgumentError>([] { normalize({}, {}); }, "normalize: 0 means");
  expect_error<ArgumentError>([] { normalize({1}, {0}); }, "normalize: std is 0, expected above 0");
  expect_error<ArgumentError>([] { normalize({1}, {std::numeric_limits<double>::quiet_NaN()}); },
                              "normalize: std is");
  expect_error<ArgumentError>(
      [] {
        run(normalize({1}, {1}), numbered({2, 3, 1, 1}));
      },
      "normalize: 1 means do not fit inputs [2, 3, 1, 1], expected [N, 1, ...]");
  expect_error<ArgumentError>(
      [] {
        run(normalize({1}, {1}), Array({2, 1, 1, 1}, DType::uint8));
      },
      "normalize: expected float32 or float64, got uint8");
}

TEST(Transforms, CropsAreWindowsOfThePaddedImage) {
  const Shape shape{300, 2, 4, 5};
  const Array in = numbered(shape);
  const Array out = run(random_crop({.size = {3, 6}, .padding = {1, 2}}), in);
  ASSERT_EQ(out.shape(), Shape({300, 2, 3, 6}));
  std::map<std::pair<int, int>, int> found;
  const auto at = [&](std::int64_t n, std::int64_t c, std::int64_t i, std::int64_t j) {
    if (i < 0 || i >= 4 || j < 0 || j >= 5) return 0.f;
    return in.data<float>()[static_cast<std::size_t>(((n * 2 + c) * 4 + i) * 5 + j)];
  };
  for (std::int64_t n = 0; n < 300; ++n) {
    int matches = 0;
    for (int top = -1; top <= 2; ++top)
      for (int left = -2; left <= 1; ++left) {
        bool same = true;
        for (std::int64_t k = 0; k < 2 * 3 * 6; ++k)
          same = same && out.data<float>()[static_cast<std::size_t>(n * 36 + k)] ==
                             at(n, k / 18, top + k / 6 % 3, left + k % 6);
        matches += same;
        if (same) ++found[{top, left}];
      }
    ASSERT_EQ(matches, 1) << "sample " << n;
  }
  EXPECT_EQ(found.size(), 16u);  // every place is drawn, none far more often than the others
  for (const auto& [place, times] : found) EXPECT_LT(times, 40) << place.first << ',' << place.second;
}

TEST(Transforms, CropsFarOutsideTheImageAreZeros) {
  const Array out = run(random_crop({.size = 1, .padding = 50}), numbered({20, 1, 1, 1}));
  EXPECT_GT(std::ranges::count(out.data<float>(), 0.f), 15);
  EXPECT_EQ(run(random_crop({.size = 2, .padding = 1}), numbered({0, 1, 4, 4})).shape(), Shape({0, 1, 2, 2}));
}

TEST(Transforms, CropRefusesWhatDoesNotFit) {
  expect_error<ArgumentError>([] { random_crop({.size = {0, 3}}); }, "random_crop: size is [0, 3]");
  expect_error<ArgumentError>([] { random_crop({}); }, "random_crop: size is [0, 0], expected at least 1");
  expect_error<ArgumentError>([] { random_crop({.size = 1, .padding = -1}); },
                              "random_crop: padding is [-1, -1]");
  expect_error<ArgumentError>(
      [] {
        run(random_crop({.size = 6}), numbered({1, 1, 5, 6}));
      },
      "random_crop: size [6, 6] is larger than images [1, 1, 5, 6] with padding [0, 0]");
  expect_error<ArgumentError>(
      [] {
        run(random_crop({.size = 1}), numbered({1, 5, 6}));
      },
      "random_crop: expected images [N, C, H, W], got [1, 5, 6]");
}

TEST(Transforms, FlipsMirrorWholeSamples) {
  const Array in = numbered({400, 2, 2, 3});
  const Array out = run(random_horizontal_flip(), in.clone());
  int flipped = 0;
  for (std::size_t n = 0; n < 400; ++n) {
    const auto was = in.data<float>().subspan(n * 12, 12), is = out.data<float>().subspan(n * 12, 12);
    const bool flip = is[0] != was[0];
    flipped += flip;
    for (std::size_t k = 0; k < 12; ++k) ASSERT_EQ(is[k], was[flip ? k / 3 * 3 + 2 - k % 3 : k]);
  }
  EXPECT_GT(flipped, 150);
  EXPECT_LT(flipped, 250);
}

TEST(Transforms, FlipsTakeTheirProbability) {
  const Array in = numbered({50, 1, 1, 2});
  EXPECT_TRUE(std::ranges::equal(run(random_horizontal_flip({.p = 0}), in.clone()).bytes(), in.bytes()));
  EXPECT_EQ(run(random_horizontal_flip({.p = 1}), in.clone()).data<float>()[98], 100.f);
  for (const double p : {-0.1, 1.1, std::numeric_limits<double>::quiet_NaN()})
    expect_error<ArgumentError>([&] { random_horizontal_flip({.p = p}); }, "random_horizontal_flip: p is");
}

}  // namespace
}  // namespace evenkeel::data
