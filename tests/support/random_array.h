#pragma once
/// Arrays of random values, and a strict comparison.

#include <evenkeel/core/array.h>

#include <cstring>
#include <random>
#include <vector>

namespace evenkeel::testing {

/// Values from N(mean, 1), the same for the same seed whatever the memory order.
inline Array normal_array(const Shape& shape, unsigned seed, DType dtype = DType::float32,
                          MemoryOrder order = MemoryOrder::row_major, double mean = 0) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(mean);
  std::vector<double> values(static_cast<std::size_t>(shape.count()));
  for (double& value : values) value = normal(engine);
  return in_order(Array::from(values, shape, dtype), order);
}

inline bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && a.order() == b.order() &&
         (a.size() == 0 || std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0);
}

/// The values in row-major order, as double.
inline std::vector<double> doubles(const Array& a) {
  std::vector<double> out;
  const Array rows = row_major(a);
  dispatch(rows.dtype(), [&]<class T>() {
    for (const T value : rows.data<T>()) out.push_back(static_cast<double>(value));
  });
  return out;
}

}  // namespace evenkeel::testing
