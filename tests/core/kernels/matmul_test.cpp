#include <evenkeel/core/kernels/matmul.h>
#include <evenkeel/core/parallel.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <random>

namespace evenkeel {
namespace {

using kernels::linear;
using kernels::matmul;

Array random(const Shape& shape, DType dtype, unsigned seed) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal;
  std::vector<double> values(static_cast<std::size_t>(shape.count()));
  for (double& value : values) value = normal(engine);
  return Array::from(values, shape, dtype);
}

bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() && std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0;
}

/// Rows [first, last) of the leading axis.
Array rows(const Array& a, std::int64_t first, std::int64_t last) {
  Array out(a.shape().with(0, last - first), a.dtype());
  const auto row = a.bytes().size() / static_cast<std::size_t>(a.shape()[0]);
  const auto from = a.bytes().subspan(static_cast<std::size_t>(first) * row, out.bytes().size());
  std::ranges::copy(from, out.mutable_bytes().begin());
  return out;
}

/// |error| <= eps * sum of |terms| for every element of op(a) op(b) + bias.
template <class T>
void expect_product(const Array& got, const Array& a, const Array& b, const Array& bias,
                    MatmulOptions options) {
  const auto rank = a.shape().rank();
  const auto [at, bt] = options;
  const auto stack = rank == 3 ? a.shape()[0] : 1;
  const auto m = a.shape()[rank - (at ? 1 : 2)], k = a.shape()[rank - (at ? 2 : 1)];
  const auto n = b.shape()[rank - (bt ? 2 : 1)];
  ASSERT_EQ(got.shape(), rank == 3 ? (Shape{stack, m, n}) : (Shape{m, n}));
  const T *const l = a.data<T>().data(), *const r = b.data<T>().data(), *const y = got.data<T>().data();
  for (std::int64_t s = 0; s < stack; ++s)
    for (std::int64_t i = 0; i < m; ++i)
      for (std::int64_t j = 0; j < n; ++j) {
        long double sum = bias.defined() ? bias.data<T>()[static_cast<std::size_t>(j)] : T{0},
                    size = std::abs(sum);
        for (std::int64_t t = 0; t < k; ++t) {
          const long double term = static_cast<long double>(l[s * m * k + (at ? t * m + i : i * k + t)]) *
                                   r[s * k * n + (bt ? j * k + t : t * n + j)];
          sum += term;
          size += std::abs(term);
        }
        const auto bound = size * std::numeric_limits<T>::epsilon() * (2 + std::sqrt(static_cast<double>(k)));
        ASSERT_LE(std::abs(y[(s * m + i) * n + j] - sum), bound)
            << m << 'x' << k << 'x' << n << (at ? " A^T" : "") << (bt ? " B^T" : "") << " at " << i << ", "
            << j;
      }
}

Array operand(std::int64_t rows_of, std::int64_t columns, bool transposed, DType dtype, unsigned seed) {
  return random(transposed ? Shape{columns, rows_of} : Shape{rows_of, columns}, dtype, seed);
}

TEST(Matmul, IsTheDefinitionForAllSizesAndTransposes) {
  const std::array<std::int64_t, 3> sizes[]{{1, 1, 1},    {4, 2, 16},   {5, 7, 3},     {17, 33, 65},
                                            {48, 64, 32}, {3, 300, 5},  {70, 600, 70}, {1, 1500, 40},
                                            {33, 1, 100}, {300, 20, 9}, {3, 301, 501}, {11, 301, 501}};
  for (const auto& [m, k, n] : sizes)
    for (const bool at : {false, true})
      for (const bool bt : {false, true})
        for (const DType dtype : {DType::float32, DType::float64}) {
          const Array a = operand(m, k, at, dtype, 1), b = operand(k, n, bt, dtype, 2);
          const MatmulOptions options{at, bt};
          if (dtype == DType::float32)
            expect_product<float>(matmul(a, b, options), a, b, {}, options);
          else
            expect_product<double>(matmul(a, b, options), a, b, {}, options);
        }
}

TEST(Matmul, TakesStacks) {
  const Array a = random({3, 7, 20}, DType::float32, 1), b = random({3, 20, 9}, DType::float32, 2);
  expect_product<float>(matmul(a, b), a, b, {}, {});
  EXPECT_EQ(matmul(random({0, 7, 20}, DType::float32, 1), random({0, 20, 9}, DType::float32, 2)).shape(),
            (Shape{0, 7, 9}));
}

TEST(Matmul, OverNothingIsZero) {
  for (const auto& [m, k, n] : {std::array<std::int64_t, 3>{3, 0, 2}, {0, 3, 2}, {3, 2, 0}, {0, 0, 0}}) {
    const Array c = matmul(Array({m, k}, DType::float32), Array({k, n}, DType::float32));
    EXPECT_EQ(c.shape(), (Shape{m, n}));
    for (const float value : c.data<float>()) EXPECT_EQ(value, 0);
  }
  const Array bias = random({4}, DType::float32, 3);
  const Array y = linear(Array({2, 0}, DType::float32), Array({4, 0}, DType::float32), bias);
  for (std::size_t i = 0; i < 8; ++i) EXPECT_EQ(y.data<float>()[i], bias.data<float>()[i % 4]);
}

TEST(Matmul, ANaNStaysInItsRowAndColumn) {
  Array a = random({40, 50}, DType::float32, 1);
  const Array b = random({50, 45}, DType::float32, 2);
  a.mutable_data<float>()[7 * 50 + 3] = std::numeric_limits<float>::quiet_NaN();
  const Array c = matmul(a, b);
  for (std::size_t i = 0; i < 40 * 45; ++i) EXPECT_EQ(std::isnan(c.data<float>()[i]), i / 45 == 7) << i;
}

TEST(Matmul, LinearIsTheDefinitionOfAnyRank) {
  const Array w = random({19, 130}, DType::float32, 1), bias = random({19}, DType::float32, 2);
  const Array x = random({2, 3, 130}, DType::float32, 3);
  const Array y = linear(x, w, bias);
  ASSERT_EQ(y.shape(), (Shape{2, 3, 19}));
  const auto flat = [](const Array& a) { return a.relabelled({6, a.shape()[2]}, MemoryOrder::row_major); };
  expect_product<float>(flat(y), flat(x), w, bias, {.transpose_b = true});
}

TEST(Matmul, ARowHasTheSameBitsAloneAndInABatch) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const auto& [k, n] :
         {std::pair<std::int64_t, std::int64_t>{2, 16}, {1568, 128}, {130, 37}, {700, 1}}) {
      const Array x = random({70, k}, dtype, 1), w = random({n, k}, dtype, 2), bias = random({n}, dtype, 3);
      const Array all = linear(x, w, bias);
      for (const auto& [first, last] :
           {std::pair<std::int64_t, std::int64_t>{0, 1}, {69, 70}, {3, 8}, {5, 54}})
        EXPECT_TRUE(same_bits(linear(rows(x, first, last), w, bias), rows(all, first, last)))
            << k << " to " << n << ", rows " << first << " to " << last;
    }
}

// Few rows of a take other loops, by whether the rows of b lie in memory.
TEST(Matmul, ARowHasTheSameBitsWhateverTheOrderOfTheOther) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const bool bt : {false, true}) {
      const Array x = random({40, 530}, dtype, 1), w = operand(530, 515, bt, dtype, 2);
      const Array all = matmul(x, w, {false, bt});
      for (const auto& [first, last] :
           {std::pair<std::int64_t, std::int64_t>{0, 1}, {39, 40}, {3, 5}, {7, 11}, {5, 14}})
        EXPECT_TRUE(same_bits(matmul(rows(x, first, last), w, {false, bt}), rows(all, first, last)))
            << "rows " << first << " to " << last << (bt ? ", transposed" : "");
    }
}

TEST(Matmul, HasTheSameBitsForAnyNumberOfThreads) {
  for (const auto& [m, k, n] : {std::array<std::int64_t, 3>{128, 300, 70},
                                {32, 4000, 20},
                                {200, 30, 200},
                                {3, 600, 1100},
                                {10, 600, 1100}})
    for (const bool at : {false, true}) {
      const Array a = operand(m, k, at, DType::float32, 1), b = operand(k, n, !at, DType::float32, 2);
      set_num_threads(1);
      const Array one = matmul(a, b, {at, !at});
      for (const int threads : {2, 3, 4, 8}) {
        set_num_threads(threads);
        EXPECT_TRUE(same_bits(one, matmul(a, b, {at, !at}))) << threads << " threads";
      }
      set_num_threads(0);
    }
}

}  // namespace
}  // namespace evenkeel
