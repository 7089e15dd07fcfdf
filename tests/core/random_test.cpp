#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/core/random.h>

#include <gtest/gtest.h>

#include <cmath>
#include <vector>

namespace evenkeel {
namespace {

using Words = std::array<std::uint32_t, 4>;

TEST(Random, PhiloxGivesTheKnownAnswers) {  // the vectors of Random123, kat_vectors
  EXPECT_EQ(philox4x32({}, {}), (Words{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox4x32({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (Words{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox4x32({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (Words{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(Random, ElementIUsesPositionFirstPlusI) {
  Rng rng(8), same(8);
  const auto all = randn({5}, {}, rng).to_vector();
  same.take(3);
  EXPECT_EQ(randn({2}, {}, same).to_vector(), (std::vector{all[3], all[4]}));
  EXPECT_EQ(same.position(), 5u);
}

TEST(Random, NumbersDependOnNoThread) {
  std::vector<std::vector<double>> drawn;
  for (const int threads : {1, 2, 5}) {
    set_num_threads(threads);
    Rng rng(3);
    drawn.push_back(randn({100, 101}, {}, rng).to_vector());
  }
  set_num_threads(0);
  EXPECT_EQ(drawn[0], drawn[1]);
  EXPECT_EQ(drawn[0], drawn[2]);
}

TEST(Random, HasTheRightMoments) {
  Rng rng(1);
  double mean = 0, square = 0, unit = 0;
  const auto normal = randn({100000}, {.dtype = DType::float64}, rng).to_vector();
  for (const double v : normal) mean += v / 1e5, square += v * v / 1e5;
  for (const double v : rand({100000}, {}, rng).to_vector()) {
    ASSERT_TRUE(v >= 0 && v < 1);
    unit += v / 1e5;
  }
  EXPECT_NEAR(mean, 0, 0.01);
  EXPECT_NEAR(square, 1, 0.02);
  EXPECT_NEAR(unit, 0.5, 0.005);
}

TEST(Random, ManualSeedRestarts) {
  manual_seed(7);
  const auto first = randn({3}).to_vector();
  manual_seed(7);
  EXPECT_EQ(randn({3}).to_vector(), first);
  EXPECT_NE(randn({3}).to_vector(), first);
  manual_seed(0);
}

}  // namespace
}  // namespace evenkeel
