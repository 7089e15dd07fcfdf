#pragma once
/// Claims about values.

#include <evenkeel/autograd/tensor.h>

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
void expect_close(const Tensor& got, const Array& expected, Tolerance tolerance, const std::string& what);

}  // namespace evenkeel::testing
