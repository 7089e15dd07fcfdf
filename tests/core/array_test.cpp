#include <evenkeel/core/array.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdint>
#include <limits>
#include <vector>

namespace evenkeel {
namespace {

using testing::expect_error;

TEST(Array, TakesTheDtypeOfItsValues) {
  EXPECT_EQ(Array::from(std::vector<float>{1}, {1}).dtype(), DType::float32);
  EXPECT_EQ(Array::from(std::vector<double>{1}, {1}).dtype(), DType::float64);
  EXPECT_EQ(Array::from(std::vector<int>{1}, {1}).dtype(), DType::int64);
  EXPECT_EQ(Array::from(std::vector<std::uint8_t>{1}, {1}).dtype(), DType::uint8);
  EXPECT_EQ(Array::from(std::vector<int>{1}, {1}, DType::float32).data<float>()[0], 1.f);
}

TEST(Array, ConvertsWithoutUndefinedBehaviour) {
  const std::vector<double> wild{NAN, 1e300, -1e300, 2.9, -2.9};
  const Array a = Array::from(wild, {5}, DType::int64);
  const auto v = a.data<std::int64_t>();
  using Limits = std::numeric_limits<std::int64_t>;
  EXPECT_EQ(std::vector(v.begin(), v.end()),
            (std::vector<std::int64_t>{0, Limits::max(), Limits::min(), 2, -2}));
}

TEST(Array, LiesOn64ByteBoundaries) {
  for (const std::int64_t n : {0, 1, 7, 1000}) {
    const Array a({n}, DType::float32);
    EXPECT_EQ(std::bit_cast<std::uintptr_t>(a.bytes().data()) % 64, 0u);
  }
}

TEST(Array, CountsItsWrites) {
  Array a({2}, DType::float32);
  const auto before = a.version();
  (void)a.data<float>();
  EXPECT_EQ(a.version(), before);
  Array same = a;
  same.mutable_data<float>()[0] = 3;
  EXPECT_EQ(a.version(), before + 1);
  EXPECT_EQ(a.data<float>()[0], 3);
  EXPECT_EQ(a.clone().data<float>()[0], 3);
  EXPECT_FALSE(a.clone().shares_storage_with(a));
}

TEST(Array, ChangesItsMemoryOrderAndBack) {
  for (const Shape& shape :
       {Shape{2, 3, 4, 5}, Shape{1, 17, 9, 1}, Shape{3, 1, 2, 2}, Shape{2, 3, 2, 3, 2}}) {
    std::vector<std::int64_t> values(static_cast<std::size_t>(shape.count()));
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<std::int64_t>(i);
    const Array rows = Array::from(values, shape), last = in_order(rows, MemoryOrder::channels_last);
    const auto stored = last.stored<std::int64_t>();
    const auto channels = shape[1], pixels = shape.count(2);
    for (std::int64_t i = 0; i < shape.count(); ++i) {
      const auto n = i / (channels * pixels), c = i / pixels % channels, p = i % pixels;
      ASSERT_EQ(stored[static_cast<std::size_t>((n * pixels + p) * channels + c)], i);
    }
    const Array back = row_major(last);
    EXPECT_TRUE(std::ranges::equal(back.data<std::int64_t>(), values));
  }
}

TEST(Array, SaysWhatIsWrong) {
  expect_error([] { Array::from(std::vector<float>{1, 2}, {3}); }, "from: 2 values do not fit shape [3]");
  expect_error([] { (void)Array({2}, DType::float32).data<double>(); }, "Array: float32 used as float64");
  expect_error([] { (void)Array().data<float>(); }, "Array: undefined, it has no values");
  expect_error(
      [] {
        Array({2, 3}, DType::float32, MemoryOrder::channels_last);
      },
      "channels-last is for rank 4 or 5");
  expect_error(
      [] {
        (void)Array({1, 2, 2, 2}, DType::float32, MemoryOrder::channels_last).data<float>();
      },
      "Array: [1, 2, 2, 2] is stored channels-last; use row_major(array)");
  Array a({2}, DType::float32);
  expect_error([&] { a.assign(Array({3}, DType::float32)); },
               "assign: expected float32 [2], got float32 [3]");
}

TEST(Array, RefusesWhatNoMemoryHolds) {
  expect_error([] { Array::uninitialized({std::int64_t{1} << 57}, DType::float64); },
               "the system has no memory for");
}

}  // namespace
}  // namespace evenkeel
