#include <evenkeel/core/kernels/moving.h>
#include <evenkeel/core/kernels/transpose.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
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

/// The element of a permuted array at `at` is the given one's with at[i] along axes[i].
template <class T>
void expect_permuted(const kernels::Axes& axes) {
  const std::int64_t sides[]{3, 2, 5, 9};
  std::vector<T> values(270);
  std::iota(values.begin(), values.end(), T{0});
  std::int64_t strides[4];
  for (std::size_t i = 0; i < 4; ++i)
    strides[i] = std::accumulate(sides + axes[i] + 1, sides + 4, std::int64_t{1}, std::multiplies<>());
  std::vector<T> expected;
  for (std::int64_t i = 0; i < sides[axes[0]]; ++i)
    for (std::int64_t j = 0; j < sides[axes[1]]; ++j)
      for (std::int64_t k = 0; k < sides[axes[2]]; ++k)
        for (std::int64_t l = 0; l < sides[axes[3]]; ++l)
          expected.push_back(
              static_cast<T>(i * strides[0] + j * strides[1] + k * strides[2] + l * strides[3]));
  const Array got = kernels::permute(Array::from(values, {3, 2, 5, 9}), axes);
  EXPECT_EQ(got.shape(), (Shape{sides[axes[0]], sides[axes[1]], sides[axes[2]], sides[axes[3]]}));
  EXPECT_TRUE(std::ranges::equal(got.data<T>(), expected));
}

TEST(Permute, IsTheDefinitionForAnyOrderOfAxes) {
  kernels::Axes axes{0, 1, 2, 3};
  do {
    expect_permuted<float>(axes);
    expect_permuted<double>(axes);
    expect_permuted<std::int64_t>(axes);
    expect_permuted<std::uint8_t>(axes);
  } while (std::next_permutation(axes.begin(), axes.begin() + 4));
}

}  // namespace
}  // namespace evenkeel
