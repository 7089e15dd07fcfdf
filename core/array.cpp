#include <evenkeel/core/array.h>
#include <evenkeel/core/kernels/transpose.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <cstring>
#include <vector>

namespace evenkeel {

Array::Array(const Shape& shape, DType dtype, MemoryOrder order) : Array(uninitialized(shape, dtype, order)) {
  std::ranges::fill(mutable_bytes(), std::byte{});
}

Array Array::uninitialized(const Shape& shape, DType dtype, MemoryOrder order) {
  check(order == MemoryOrder::row_major || shape.rank() == 4 || shape.rank() == 5,
        "Array: channels-last is for rank 4 or 5, got shape ", shape);
  Array array;
  array.shape_ = shape;
  array.dtype_ = dtype;
  array.order_ = order;
  array.storage_ = allocate_storage(static_cast<std::size_t>(shape.count()) * size_of(dtype));
  return array;
}

std::span<const std::byte> Array::bytes() const {
  if (!storage_) return {};
  return {storage_->data, static_cast<std::size_t>(size()) * size_of(dtype_)};
}

std::span<std::byte> Array::mutable_bytes() {
  const auto all = bytes();
  if (storage_) ++storage_->version;
  return {const_cast<std::byte*>(all.data()), all.size()};
}

void Array::assign(const Array& other) {
  check(defined() && other.defined(), "assign: expected two arrays, got an undefined one");
  check(other.shape_ == shape_ && other.dtype_ == dtype_, "assign: expected ", dtype_, ' ', shape_, ", got ",
        other.dtype_, ' ', other.shape_);
  const Array source = in_order(other, order_);
  const auto to = mutable_bytes();
  const std::byte* const from = source.bytes().data();
  if (to.data() == from) return;
  parallel_for(static_cast<std::int64_t>(to.size()), 8 * elements_per_task,
               [=](std::int64_t begin, std::int64_t end) {
                 std::memcpy(to.data() + begin, from + begin, static_cast<std::size_t>(end - begin));
               });
}

Array Array::clone() const {
  if (!defined()) return {};
  Array copy = uninitialized(shape_, dtype_, order_);
  copy.assign(*this);
  return copy;
}

Array Array::relabelled(const Shape& shape, MemoryOrder order) const {
  check(shape.count() == size(), "reshape: ", shape_, " does not fit ", shape);
  check(order == MemoryOrder::row_major || shape.rank() == 4 || shape.rank() == 5,
        "Array: channels-last is for rank 4 or 5, got shape ", shape);
  Array other = *this;
  other.shape_ = shape;
  other.order_ = order;
  return other;
}

void Array::not_row_major() const {
  fail("Array: ", shape_, " is stored channels-last; use row_major(array)");
}
void Array::wrong_type(DType asked) const {
  check(defined(), "Array: undefined, it has no values");
  fail("Array: ", dtype_, " used as ", asked);
}

Array in_order(const Array& a, MemoryOrder order) {
  if (a.order() == order) return a;
  check(order == MemoryOrder::row_major || a.shape().rank() == 4 || a.shape().rank() == 5,
        "Array: channels-last is for rank 4 or 5, got shape ", a.shape());
  const auto channels = a.shape()[1], pixels = a.shape().count(2);
  if (channels <= 1 || pixels <= 1 || a.size() == 0) return a.relabelled(a.shape(), order);
  Array out = Array::uninitialized(a.shape(), a.dtype(), order);
  const bool to_last = order == MemoryOrder::channels_last;
  kernels::transpose(a.bytes().data(), out.mutable_bytes().data(), a.shape()[0], to_last ? channels : pixels,
                     to_last ? pixels : channels, static_cast<std::int64_t>(size_of(a.dtype())));
  return out;
}

Shape stored_shape(const Shape& shape, MemoryOrder order) {
  if (order == MemoryOrder::row_major) return shape;
  std::vector<std::int64_t> dims(shape.dims().begin(), shape.dims().end());
  std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return Shape(dims);
}

}  // namespace evenkeel
