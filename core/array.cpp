#include <evenkeel/core/array.h>
#include <evenkeel/core/parallel.h>

#include <cstring>
#include <vector>

namespace evenkeel {
namespace {

/// Moves `count` pixels between [C][P] planes and [P][C] rows, in short runs so that both sides stay in the
/// cache.
template <bool to_last, class T>
void transpose_pixels(const T* from, T* to, std::int64_t channels, std::int64_t pixels, std::int64_t begin,
                      std::int64_t end) {
  for (auto p = begin; p < end; p += 16)
    for (std::int64_t c = 0; c < channels; ++c)
      for (auto q = p; q < std::min(p + 16, end); ++q) {
        const auto plane = c * pixels + q, row = q * channels + c;
        if constexpr (to_last)
          to[row] = from[plane];
        else
          to[plane] = from[row];
      }
}

}  // namespace

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
  if (!to.empty() && to.data() != source.bytes().data())
    std::memmove(to.data(), source.bytes().data(), to.size());
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
  dispatch(a.dtype(), [&]<class T>() {
    const T* const from = a.stored<T>().data();
    T* const to = out.mutable_stored<T>().data();
    constexpr std::int64_t stripe = 1024;  // pixels: a few large images feed every thread as well
    const auto image = channels * pixels, stripes = ceil_div(pixels, stripe);
    const auto grain = at_least_one(elements_per_task / std::min(image, stripe * channels));
    parallel_for(a.shape()[0] * stripes, grain, [&](std::int64_t first, std::int64_t last) {
      for (auto i = first; i < last; ++i) {
        const auto offset = i / stripes * image, begin = i % stripes * stripe,
                   end = std::min(pixels, begin + stripe);
        if (order == MemoryOrder::channels_last)
          transpose_pixels<true>(from + offset, to + offset, channels, pixels, begin, end);
        else
          transpose_pixels<false>(from + offset, to + offset, channels, pixels, begin, end);
      }
    });
  });
  return out;
}

Shape stored_shape(const Shape& shape, MemoryOrder order) {
  if (order == MemoryOrder::row_major) return shape;
  std::vector<std::int64_t> dims(shape.dims().begin(), shape.dims().end());
  std::rotate(dims.begin() + 1, dims.begin() + 2, dims.end());
  return Shape(dims);
}

}  // namespace evenkeel
