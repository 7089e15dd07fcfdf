#pragma once
/// Internal: the engine's own door into tensors.

#include <evenkeel/autograd/tensor.h>

#include <string_view>

namespace evenkeel {

struct TensorAccess {
  static Tensor make(Array value, NodePtr node) { return {std::move(value), std::move(node)}; }
  static const std::shared_ptr<TensorImpl>& impl(const Tensor& tensor) { return tensor.impl_; }
  /// Whether nobody else sees this tensor or its values, so that they may be written.
  static bool is_exclusive(const Tensor& tensor) {
    return tensor.impl_.use_count() == 1 && tensor.impl_->value.is_only_owner();
  }
};

/// The op whose backward is being recorded (create_graph), or empty: meanwhile no tensor may be made from
/// values.
inline constinit thread_local std::string_view recorded_backward;

}  // namespace evenkeel
