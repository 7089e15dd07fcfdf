#include <evenkeel/core/kernels/normalize.h>

#include <gtest/gtest.h>

#include <cmath>
#include <random>

namespace evenkeel {
namespace {

TEST(Normalize, AConstantIsBetaExactly) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const double c : {0.1, 100., 5000., 14., 1e10, 1.5e38}) {
      const Array x = Array::from(std::vector<double>(2 * 3 * 7, c), {2, 3, 7}, dtype);
      const Array beta = Array::from(std::vector<double>{0.3, -1e-3, 7}, {3}, dtype);
      const auto [y, moments] = kernels::normalize(x, {}, beta, {{1, 3, 7}, {1, 3, 7}, 0});
      dispatch_floating(dtype, [&, &out = y]<class T>() {
        for (std::size_t i = 0; i < 42; ++i) EXPECT_EQ(out.data<T>()[i], beta.data<T>()[i / 7 % 3]) << c;
      });
      for (const double var : moments.var.data<double>()) EXPECT_EQ(var, 0);
    }
}

}  // namespace
}  // namespace evenkeel
