#include <evenkeel/tests/support/convolutions.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

namespace evenkeel::testing {

std::string text(const Convolution& conv, DType dtype, MemoryOrder order) {
  std::ostringstream os;
  os << dtype << ' ' << conv.shape(Convolution::input) << " * " << conv.shape(Convolution::weight)
     << " stride " << conv.window.stride << " padding " << conv.window.padding << " dilation "
     << conv.window.dilation << " algorithm " << static_cast<int>(conv.algorithm)
     << (order == MemoryOrder::channels_last ? " channels-last" : "");
  return os.str();
}

Convolution convolution(const Shape& x, std::int64_t outputs, std::int64_t groups, Window window,
                        Conv2dAlgorithm algorithm) {
  const Shape w{outputs, x[1] / groups, window.kernel.height, window.kernel.width};
  return {{x, w, window.output("conv2d", x, outputs)}, window, algorithm};
}

double largest(const std::vector<double>& values) {
  double most = 0;
  for (const double value : values) most = std::max(most, std::abs(value));
  return most;
}

void expect_near(const Array& got, const Array& expected, double tolerance, const std::string& what) {
  ASSERT_EQ(got.shape(), expected.shape()) << what;
  const auto a = doubles(got), b = doubles(expected);
  const double bound = tolerance * std::max(largest(b), 1e-3);
  for (std::size_t i = 0; i < a.size(); ++i)
    ASSERT_TRUE(std::abs(a[i] - b[i]) <= bound)
        << what << ", element " << i << ": got " << a[i] << ", expected " << b[i];
}

void expect_products(const Convolution& conv, DType dtype, MemoryOrder order, double tolerance) {
  const Array x = normal_array(conv.shape(Convolution::input), 1, dtype, order),
              w = normal_array(conv.shape(Convolution::weight), 2, dtype),
              dy = normal_array(conv.shape(Convolution::output), 3, dtype, order);
  const std::string what = text(conv, dtype, order);
  const Array y = kernels::conv2d(x, w, {}, conv), dx = kernels::conv2d_input(dy, w, conv),
              dw = kernels::conv2d_weight(x, dy, conv);
  const auto result_order = kernels::conv2d_keeps_row_major(conv, dtype) ? order : MemoryOrder::channels_last;
  EXPECT_EQ(y.order(), result_order);
  EXPECT_EQ(dx.order(), result_order);
  EXPECT_EQ(dw.order(), MemoryOrder::row_major);
  expect_near(y, kernels::conv2d_reference(Convolution::output, x, w, conv), tolerance, what + ", output");
  expect_near(dx, kernels::conv2d_reference(Convolution::input, dy, w, conv), tolerance, what + ", input");
  expect_near(dw, kernels::conv2d_reference(Convolution::weight, x, dy, conv), tolerance, what + ", weight");
}

Products products(const Convolution& conv, DType dtype, MemoryOrder order) {
  const Array x = normal_array(conv.shape(Convolution::input), 1, dtype, order),
              w = normal_array(conv.shape(Convolution::weight), 2, dtype),
              dy = normal_array(conv.shape(Convolution::output), 3, dtype, order);
  return {kernels::conv2d(x, w, {}, conv), kernels::conv2d_input(dy, w, conv),
          kernels::conv2d_weight(x, dy, conv)};
}

}  // namespace evenkeel::testing
