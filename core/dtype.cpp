#include <evenkeel/core/dtype.h>

#include <array>
#include <ostream>

namespace evenkeel {

std::ostream& operator<<(std::ostream& os, DType dtype) {
  static constexpr std::array names{"float32", "float64", "int64", "uint8"};
  return os << names[static_cast<std::size_t>(dtype)];
}

std::size_t size_of(DType dtype) {
  return dispatch(dtype, []<class T>() { return sizeof(T); });
}

}  // namespace evenkeel
