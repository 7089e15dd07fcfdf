#include <evenkeel/tests/support/random_array.h>

#include <cstring>
#include <random>

namespace evenkeel::testing {

Array normal_array(const Shape& shape, unsigned seed, DType dtype, MemoryOrder order, double mean) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(mean);
  std::vector<double> values(static_cast<std::size_t>(shape.count()));
  for (double& value : values) value = normal(engine);
  return in_order(Array::from(values, shape, dtype), order);
}

bool same_bits(const Array& a, const Array& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() && a.order() == b.order() &&
         (a.size() == 0 || std::memcmp(a.bytes().data(), b.bytes().data(), a.bytes().size()) == 0);
}

std::vector<double> doubles(const Array& a) {
  std::vector<double> out;
  const Array rows = row_major(a);
  dispatch(rows.dtype(), [&]<class T>() { out.assign(rows.data<T>().begin(), rows.data<T>().end()); });
  return out;
}

}  // namespace evenkeel::testing
