#pragma once

#include <evenkeel/core/array.h>

namespace evenkeel::kernels {

/// The sum of |a_i|^p in double, in an order that follows from the size alone; for an infinite p the largest
/// |a_i|, where NaN wins. a is row-major and floating.
double power_sum(const Array& a, double p);

}  // namespace evenkeel::kernels
