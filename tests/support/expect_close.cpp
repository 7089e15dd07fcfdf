#include <evenkeel/tests/support/expect_close.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace evenkeel::testing {

void expect_close(const Tensor& got, const Array& expected, Tolerance tolerance, const std::string& what) {
  ASSERT_TRUE(got.defined()) << what << " is undefined";
  ASSERT_EQ(got.shape(), expected.shape()) << what;
  ASSERT_EQ(got.dtype(), expected.dtype()) << what;
  const auto a = got.to_vector(), b = Tensor(expected).to_vector();
  double bound = tolerance.atol;
  if (tolerance.of_largest > 0)
    for (const double value : b)
      bound = std::max(bound, tolerance.atol + tolerance.of_largest * std::abs(value));
  for (std::size_t i = 0; i < a.size(); ++i) {
    const bool same = a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]));
    ASSERT_TRUE(same || std::abs(a[i] - b[i]) <= bound + tolerance.rtol * std::abs(b[i]))
        << what << ", element " << i << ": got " << a[i] << ", expected " << b[i];
  }
}

}  // namespace evenkeel::testing
