#pragma once

#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>

namespace evenkeel {

/// The dimensions of an array, outermost first; at most 8 of them, kept inline. `{}` is a scalar.
/// Throws ArgumentError for a negative dimension, more than 8 axes, or more than 2^58 elements, so that no
/// product of dimensions and element sizes can overflow later.
class Shape {
 public:
  static constexpr std::size_t max_rank = 8;

  Shape() = default;
  Shape(std::initializer_list<std::int64_t> dims) : Shape(std::span(dims.begin(), dims.size())) {}
  explicit Shape(std::span<const std::int64_t> dims);

  std::size_t rank() const { return rank_; }
  /// The dimension of an axis; throws where there is none.
  std::int64_t operator[](std::size_t axis) const {
    if (axis >= rank_) [[unlikely]]
      no_such_axis(static_cast<std::int64_t>(axis));
    return dims_[axis];
  }
  std::span<const std::int64_t> dims() const { return {dims_.data(), rank_}; }
  /// Elements: the product of all dimensions.
  std::int64_t count() const { return count_; }
  /// Elements in the axes [from, rank).
  std::int64_t count(std::size_t from) const;
  /// The axis that `index` means: -1 is the last one. Throws where there is none.
  std::size_t axis(std::int64_t index) const;
  /// The same shape with another dimension at `axis`.
  Shape with(std::size_t axis, std::int64_t dim) const;
  /// The same shape without `axis`.
  Shape without(std::size_t axis) const;
  /// The same shape with a new axis of `dim` before `axis`.
  Shape inserted(std::size_t axis, std::int64_t dim) const;
  /// With leading ones, up to `rank` axes.
  Shape padded(std::size_t rank) const;

  bool operator==(const Shape& other) const;
  /// As `[2, 3]`.
  friend std::ostream& operator<<(std::ostream& os, const Shape& shape);

 private:
  [[noreturn]] void no_such_axis(std::int64_t index) const;

  std::array<std::int64_t, max_rank> dims_{};
  std::size_t rank_ = 0;
  std::int64_t count_ = 1;
};

}  // namespace evenkeel
