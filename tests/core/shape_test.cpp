#include <evenkeel/core/check.h>
#include <evenkeel/core/shape.h>

#include <gtest/gtest.h>

#include <sstream>

namespace evenkeel {
namespace {

TEST(Shape, CountsElements) {
  EXPECT_EQ(Shape({2, 3, 4}).count(), 24);
  EXPECT_EQ(Shape({2, 3, 4}).count(1), 12);
  EXPECT_EQ(Shape().count(), 1);
  EXPECT_EQ(Shape({2, 0, 4}).count(), 0);
}

TEST(Shape, RefusesOverflowingProducts) {
  const std::int64_t large = std::int64_t{1} << 40;
  EXPECT_THROW(Shape({large, large}), ArgumentError);
  EXPECT_THROW(Shape({large, 0, large}), ArgumentError);
  EXPECT_THROW(Shape({1}).with(0, std::int64_t{1} << 59), ArgumentError);
}

TEST(Shape, RefusesWhatIsNoShape) {
  EXPECT_THROW(Shape({-1}), ArgumentError);
  EXPECT_THROW(Shape({1, 1, 1, 1, 1, 1, 1, 1, 1}), ArgumentError);
  EXPECT_THROW((void)Shape({2, 3})[2], ArgumentError);
  EXPECT_THROW((void)Shape({2, 3}).axis(-3), ArgumentError);
}

TEST(Shape, EditsAxes) {
  const Shape shape{2, 3, 4};
  EXPECT_EQ(shape.with(1, 7), Shape({2, 7, 4}));
  EXPECT_EQ(shape.without(0), Shape({3, 4}));
  EXPECT_EQ(shape.inserted(3, 1), Shape({2, 3, 4, 1}));
  EXPECT_EQ(shape.padded(5), Shape({1, 1, 2, 3, 4}));
  EXPECT_EQ(shape.axis(-1), 2u);
  EXPECT_FALSE(shape == Shape({2, 3}));
}

TEST(Shape, Prints) {
  std::ostringstream os;
  os << Shape{2, 3} << Shape{};
  EXPECT_EQ(os.str(), "[2, 3][]");
}

}  // namespace
}  // namespace evenkeel
