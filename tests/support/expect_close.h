#pragma once
/// Claims about values.

#include <evenkeel/autograd/tensor.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>

namespace evenkeel::testing {

struct Tolerance {
  double rtol, atol;
  double of_largest = 0;  ///< times the largest |expected|: what sums round to where their terms cancel
};
/// What golden values are held to: float32 rounds, float64 hardly does.
inline Tolerance golden_tolerance(DType dtype) {
  return dtype == DType::float64 ? Tolerance{1e-10, 1e-10} : Tolerance{1e-5, 1e-6};
}

/// |got - expected| <= atol + rtol * |expected| for every element, with of_largest * max |expected| more; NaN
/// is equal to NaN; shapes and dtypes agree.
inline void expect_close(const Tensor& got, const Array& expected, Tolerance tolerance,
                         const std::string& what) {
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
