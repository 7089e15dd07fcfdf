#pragma once
/// Convolutions for tests, and their three products against the definition.

#include <evenkeel/core/kernels/conv.h>
#include <evenkeel/tests/support/random_array.h>

#include <string>
#include <vector>

namespace evenkeel::testing {

Convolution convolution(const Shape& x, std::int64_t outputs, std::int64_t groups, Window window,
                        Conv2dAlgorithm algorithm = Conv2dAlgorithm::automatic);
/// What tells one case from another.
std::string text(const Convolution& conv, DType dtype, MemoryOrder order);
/// The largest |value|.
double largest(const std::vector<double>& values);
/// |got - expected| <= tolerance * max |expected|.
void expect_near(const Array& got, const Array& expected, double tolerance, const std::string& what);
/// All three products against the definition.
void expect_products(const Convolution& conv, DType dtype, MemoryOrder order, double tolerance);

/// The output, the gradient of the input and the gradient of the weight, for the same values in any dtype.
struct Products {
  Array y, dx, dw;
};
Products products(const Convolution& conv, DType dtype = DType::float32,
                  MemoryOrder order = MemoryOrder::channels_last);

}  // namespace evenkeel::testing
