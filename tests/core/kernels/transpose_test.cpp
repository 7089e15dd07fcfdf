#include <evenkeel/core/kernels/moving.h>
#include <evenkeel/core/kernels/transpose.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <numeric>
#include <vector>

namespace evenkeel {
namespace {

using testing::expect_error;

/// Each element's own number, as far as T can tell them apart.
template <class T>
void expect_transposed(std::int64_t matrices, std::int64_t rows, std::int64_t columns) {
  std::vector<T> from(static_cast<std::size_t>(matrices * rows * columns)), to(from.size()),
      expected(from.size());
  std::iota(from.begin(), from.end(), T{1});
  auto place = from.begin();
  for (std::int64_t m = 0; m < matrices; ++m)
    for (std::int64_t r = 0; r < rows; ++r)
      for (std::int64_t c = 0; c < columns; ++c)
        expected[static_cast<std::size_t>((m * columns + c) * rows + r)] = *place++;
  kernels::transpose(from.data(), to.data(), matrices, rows, columns, sizeof(T));
  EXPECT_EQ(to, expected) << matrices << " matrices of " << rows << " x " << columns << ", element of "
                          << sizeof(T);
}

TEST(Transpose, IsTheDefinitionForAnySides) {
  constexpr std::int64_t sides[]{1, 2, 3, 4, 5, 7, 8, 9, 15, 16, 17, 31, 33, 100};
  for (const auto rows : sides)
    for (const auto columns : sides) {
      expect_transposed<std::uint8_t>(2, rows, columns);
      expect_transposed<std::uint32_t>(3, rows, columns);
      expect_transposed<std::uint64_t>(3, rows, columns);
    }
}

TEST(Transpose, CutsLongMatricesIntoStripes) {
  for (const std::int64_t length : {1023, 1024, 1025, 3000}) {
    expect_transposed<std::uint32_t>(2, 20, length);
    expect_transposed<std::uint32_t>(2, length, 20);
    expect_transposed<std::uint64_t>(1, length, 3);
  }
}

TEST(Transpose, OfNothingWritesNothing) {
  const std::vector<std::uint64_t> from(12, 1);
  std::vector<std::uint64_t> to(12, 2);
  kernels::transpose(from.data(), to.data(), 0, 3, 4, 8);
  kernels::transpose(from.data(), to.data(), 2, 0, 4, 8);
  kernels::transpose(from.data(), to.data(), 2, 3, 0, 4);
  EXPECT_EQ(to, std::vector<std::uint64_t>(12, 2));
}

TEST(Scatter, AddsWhereOffsetsMeetAndRefusesOthers) {
  const Array a = Array::from(std::vector<float>{1, 2, 3}, {3});
  const auto scattered = [&](std::int64_t last) {
    return kernels::scatter(a, Array::from(std::vector<std::int64_t>{1, 0, last}, {3}), {2});
  };
  EXPECT_EQ(testing::doubles(scattered(1)), (std::vector<double>{2, 4}));
  expect_error([&] { scattered(2); }, "gather: offset 2 is outside 2 elements");
  expect_error([&] { scattered(-1); }, "gather: offset -1 is outside 2 elements");
}

}  // namespace
}  // namespace evenkeel
