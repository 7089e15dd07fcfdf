#pragma once

#include <evenkeel/autograd/tensor.h>

namespace evenkeel {

/// A tensor that trains: a leaf with a gradient, stored row-major. Copies are handles to one value and one
/// gradient. It is written through (mutable_value, copy_) and never rebound, so that an optimizer and a
/// module cannot come to hold different ones.
class Parameter : public Tensor {
 public:
  explicit Parameter(const Array& value) : Tensor(row_major(value), true) {}
  Parameter(const Parameter&) = default;
  Parameter& operator=(const Parameter&) = delete;

  /// The value, to be written; the version counts each request for its elements.
  Array& mutable_value() const { return impl_->value; }
};

}  // namespace evenkeel
