#include <evenkeel/autograd/tensor.h>

#include <ostream>
#include <sstream>
#include <string>

namespace evenkeel {
namespace {

constexpr std::int64_t most_elements = 1000, edge = 3;

/// Prints the elements from `offset` on, those of the axes [axis, rank), in nested brackets.
template <class T>
void print(std::ostream& os, const Shape& shape, std::span<const T> values, std::size_t axis,
           std::int64_t offset) {
  if (axis == shape.rank()) {
    const T value = values[static_cast<std::size_t>(offset)];
    if constexpr (std::is_floating_point_v<T>)
      os << value;
    else
      os << static_cast<std::int64_t>(value);
    return;
  }
  const bool innermost = axis + 1 == shape.rank(), shortened = shape.count() > most_elements;
  const auto separator = innermost ? std::string(", ") : ",\n" + std::string(axis + 1, ' ');
  const auto length = shape[axis], step = shape.count(axis + 1);
  os << '[';
  for (std::int64_t i = 0; i < length; ++i) {
    if (i > 0) os << separator;
    if (shortened && i == edge && length > 2 * edge) {
      os << "..." << separator;
      i = length - edge;
    }
    print(os, shape, values, axis + 1, offset + i * step);
  }
  os << ']';
}

}  // namespace

std::ostream& operator<<(std::ostream& os, const Tensor& tensor) {
  if (!tensor.defined()) return os << "undefined";
  std::ostringstream text;  // the stream's own formatting stays out of it
  text.precision(os.precision());
  dispatch(tensor.dtype(), [&]<class T>() {
    if (tensor.size() == 0)
      text << "[]";
    else
      print(text, tensor.shape(), tensor.value().data<T>(), 0, 0);
  });
  text << ' ' << tensor.dtype() << ' ' << tensor.shape();
  return os << text.str();
}

}  // namespace evenkeel
