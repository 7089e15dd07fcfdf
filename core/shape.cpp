#include <evenkeel/core/check.h>
#include <evenkeel/core/shape.h>

#include <algorithm>
#include <ostream>

namespace evenkeel {
namespace {

constexpr std::int64_t max_elements = std::int64_t{1} << 58;

}  // namespace

Shape::Shape(std::span<const std::int64_t> dims) : rank_(dims.size()) {
  check(dims.size() <= max_rank, "Shape: expected at most ", max_rank, " axes, got ", dims.size());
  std::ranges::copy(dims, dims_.begin());
  std::int64_t product = 1;  // of the dimensions but zeros, so that the order of the axes does not matter
  for (const auto dim : dims) {
    check(dim >= 0, "Shape: Trying to create tensor with negative dimension ", dim, ": ", *this);
    if (dim == 0) continue;
    check(dim <= max_elements / product, "Shape: ", *this, " has more than 2^58 elements");
    product *= dim;
  }
  count_ = count(0);
}

std::int64_t Shape::count(std::size_t from) const {
  std::int64_t product = 1;
  for (auto axis = from; axis < rank_; ++axis) product *= dims_[axis];
  return product;
}

void Shape::no_such_axis(std::int64_t index) const {
  fail("Shape: axis ", index, " of shape ", *this, " does not exist, expected one in [",
       -static_cast<std::int64_t>(rank_), ", ", rank_, ")");
}

std::size_t Shape::axis(std::int64_t index) const {
  const auto rank = static_cast<std::int64_t>(rank_);
  if (index < -rank || index >= rank) no_such_axis(index);
  return static_cast<std::size_t>(index < 0 ? index + rank : index);
}

Shape Shape::with(std::size_t axis, std::int64_t dim) const {
  if (axis >= rank_) no_such_axis(static_cast<std::int64_t>(axis));
  auto dims = dims_;
  dims[axis] = dim;
  return Shape(std::span<const std::int64_t>(dims.data(), rank_));
}

Shape Shape::without(std::size_t axis) const {
  if (axis >= rank_) no_such_axis(static_cast<std::int64_t>(axis));
  auto dims = dims_;
  std::copy(dims.begin() + static_cast<std::ptrdiff_t>(axis) + 1, dims.end(),
            dims.begin() + static_cast<std::ptrdiff_t>(axis));
  return Shape(std::span<const std::int64_t>(dims.data(), rank_ - 1));
}

Shape Shape::inserted(std::size_t axis, std::int64_t dim) const {
  check(rank_ < max_rank, "Shape: expected at most ", max_rank, " axes, got ", *this, " and one more");
  if (axis > rank_) no_such_axis(static_cast<std::int64_t>(axis));
  auto dims = dims_;
  const auto at = dims.begin() + static_cast<std::ptrdiff_t>(axis);
  std::copy_backward(at, dims.end() - 1, dims.end());
  *at = dim;
  return Shape(std::span<const std::int64_t>(dims.data(), rank_ + 1));
}

Shape Shape::padded(std::size_t rank) const {
  if (rank <= rank_) return *this;
  check(rank <= max_rank, "Shape: expected at most ", max_rank, " axes, got ", rank);
  Shape other;
  other.rank_ = rank;
  other.count_ = count_;
  std::fill_n(other.dims_.begin(), rank, 1);
  std::ranges::copy(dims(), other.dims_.begin() + static_cast<std::ptrdiff_t>(rank - rank_));
  return other;
}

bool Shape::operator==(const Shape& other) const { return std::ranges::equal(dims(), other.dims()); }

std::ostream& operator<<(std::ostream& os, const Shape& shape) {
  os << '[';
  for (std::size_t axis = 0; axis < shape.rank_; ++axis) os << (axis ? ", " : "") << shape.dims_[axis];
  return os << ']';
}

}  // namespace evenkeel
