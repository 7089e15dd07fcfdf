#pragma once
/// Arrays of random values, and a strict comparison.

#include <evenkeel/core/array.h>

#include <vector>

namespace evenkeel::testing {

/// Values from N(mean, 1), the same for the same seed whatever the memory order.
Array normal_array(const Shape& shape, unsigned seed, DType dtype = DType::float32,
                   MemoryOrder order = MemoryOrder::row_major, double mean = 0);
bool same_bits(const Array& a, const Array& b);
/// The values in row-major order, as double.
std::vector<double> doubles(const Array& a);

}  // namespace evenkeel::testing
