#pragma once

#include <evenkeel/core/check.h>
#include <evenkeel/core/dtype.h>
#include <evenkeel/core/shape.h>
#include <evenkeel/core/storage.h>

#include <iterator>
#include <memory>
#include <optional>
#include <span>
#include <type_traits>

namespace evenkeel {

/// How an array of rank 4 or 5 lies in memory: as its shape [N, C, ...] says, or as [N, ..., C].
enum class MemoryOrder : std::uint8_t { row_major, channels_last };

/// Values that can be counted and read one after another, such as those of a vector, an array or a span.
template <class Range>
concept SizedRange = requires(const Range& range) {
  std::size(range);
  *std::begin(range);
  std::end(range);
};

/// Values without history or operators: a shape, a dtype, and contiguous shared storage. Copies share the
/// storage; `clone` does not. Kernels, optimizers and files speak Array; models speak Tensor.
class Array {
 public:
  /// Undefined: it has no storage.
  Array() = default;
  /// Zeros.
  Array(const Shape& shape, DType dtype, MemoryOrder order = MemoryOrder::row_major);
  /// Values yet to be written. Throws ArgumentError for channels-last of a rank other than 4 or 5.
  static Array uninitialized(const Shape& shape, DType dtype, MemoryOrder order = MemoryOrder::row_major);
  /// The given values in row-major order, as the dtype that they have in C++ unless another is asked for.
  /// Throws ArgumentError when their number does not fit the shape.
  template <SizedRange Range>
  static Array from(const Range& values, const Shape& shape, std::optional<DType> dtype = {});

  const Shape& shape() const { return shape_; }
  DType dtype() const { return dtype_; }
  MemoryOrder order() const { return order_; }
  std::int64_t size() const { return shape_.count(); }
  bool defined() const { return storage_ != nullptr; }
  bool is_only_owner() const { return storage_.use_count() == 1; }
  bool shares_storage_with(const Array& other) const { return storage_ == other.storage_; }
  /// How often the storage was written.
  std::uint64_t version() const { return storage_ ? storage_->version : 0; }

  /// The values in row-major order. Throws where they are stored in another (see row_major), or as another
  /// dtype.
  template <Element T>
  std::span<const T> data() const {
    check_row_major();
    return values<T>();
  }
  template <Element T>
  std::span<T> mutable_data() {
    check_row_major();
    return touched(values<T>());
  }
  /// The values as they lie in memory, for kernels that take both orders.
  template <Element T>
  std::span<const T> stored() const {
    return values<T>();
  }
  template <Element T>
  std::span<T> mutable_stored() {
    return touched(values<T>());
  }
  /// The bytes as they lie in memory.
  std::span<const std::byte> bytes() const;
  std::span<std::byte> mutable_bytes();

  /// Copies the values of `other`, whatever the memory orders. Throws unless shape and dtype agree.
  void assign(const Array& other);
  Array clone() const;
  /// The same bytes under another shape and order; shares the storage, hence also the version.
  Array relabelled(const Shape& shape, MemoryOrder order) const;

 private:
  void check_row_major() const {
    if (order_ != MemoryOrder::row_major) [[unlikely]]
      not_row_major();
  }
  [[noreturn]] void not_row_major() const;
  [[noreturn]] void wrong_type(DType asked) const;
  template <class T>
  std::span<T> values() const {
    if (dtype_of<T> != dtype_ || !storage_) [[unlikely]]
      wrong_type(dtype_of<T>);
    return {static_cast<T*>(static_cast<void*>(storage_->data)), static_cast<std::size_t>(size())};
  }
  template <class T>
  std::span<T> touched(std::span<T> span) {
    ++storage_->version;
    return span;
  }

  Shape shape_;
  DType dtype_ = DType::float32;
  MemoryOrder order_ = MemoryOrder::row_major;
  std::shared_ptr<Storage> storage_;
};

template <SizedRange Range>
Array Array::from(const Range& values, const Shape& shape, std::optional<DType> dtype) {
  const auto count = static_cast<std::int64_t>(std::size(values));
  check(count == shape.count(), "from: ", count, " values do not fit shape ", shape);
  Array array =
      uninitialized(shape, dtype.value_or(dtype_of<std::remove_cvref_t<decltype(*std::begin(values))>>));
  dispatch(array.dtype(), [&]<class T>() {
    T* to = array.mutable_data<T>().data();
    for (const auto value : values) *to++ = convert<T>(value);
  });
  return array;
}

inline bool is_channels_last(const Array& a) { return a.order() == MemoryOrder::channels_last; }
/// The same values in the given order: shared where the bytes agree, else a copy.
Array in_order(const Array& a, MemoryOrder order);
inline Array row_major(const Array& a) { return in_order(a, MemoryOrder::row_major); }
/// The dimensions in the order in which they are stored.
Shape stored_shape(const Shape& shape, MemoryOrder order);

}  // namespace evenkeel
