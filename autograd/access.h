#pragma once
/// Internal: the engine's own door into tensors.

#include <evenkeel/autograd/tensor.h>

#include <atomic>
#include <string_view>

namespace evenkeel {

struct TensorAccess {
  static Tensor make(Array value, NodePtr node) { return {std::move(value), std::move(node)}; }
  static const std::shared_ptr<TensorImpl>& impl(const Tensor& tensor) { return tensor.impl_; }
  /// Whether nobody else sees this tensor or its values, so that they may be written.
  static bool is_exclusive(const Tensor& tensor) {
    if (tensor.impl_.use_count() != 1 || !tensor.impl_->value.is_only_owner()) return false;
    std::atomic_thread_fence(std::memory_order::acquire);  // after all that others did who saw them
    return true;
  }
  /// Has an op's result written over an operand that ends with it: write(Array&). Returns false, with nothing
  /// written, where somebody else sees the operand or where its history does not describe its value.
  template <class Write>
  static bool overwrite(const Tensor& operand, Write write) {
    if (!is_exclusive(operand)) return false;
    TensorImpl& impl = *operand.impl_;
    if (impl.version != impl.value.version()) return false;
    write(impl.value);
    impl.version = impl.value.version();
    return true;
  }
};

/// The op whose backward is being recorded (create_graph), or empty: meanwhile no tensor may be made from
/// values.
inline constinit thread_local std::string_view recorded_backward;

}  // namespace evenkeel
