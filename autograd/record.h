#pragma once

#include <evenkeel/autograd/tensor.h>

#include <initializer_list>
#include <string_view>

namespace evenkeel {

/// Points at a tensor; costs no reference count, and is meant for one full expression.
struct TensorRef {
  TensorRef() = default;
  explicit(false) TensorRef(const Tensor& t) : tensor(&t) {}
  const Tensor* tensor = nullptr;
};
struct TensorList : Small<TensorRef, 3> {
  TensorList() = default;
  TensorList(std::initializer_list<TensorRef> refs) : Small(refs) {}
  explicit(false) TensorList(const Tensors& tensors) {
    for (const auto& tensor : tensors) push_back(tensor);
  }
};

/// One op, ready to be recorded.
struct Record {
  std::string_view op;
  TensorList inputs;         ///< an undefined one is absent, such as "no bias"
  Array output;              ///< the forward's result
  TensorList saved = {};     ///< what the backward reads, beside the shapes of all inputs
  bool save_output = false;  ///< whether it also reads the output
  Backward backward;
};
/// The output as a tensor, with history if GradMode is on and an input requires a gradient. Throws GraphError
/// where an input was modified in place through another tensor, so that its history does not describe its
/// value; under DetectAnomaly also where the output is not finite.
Tensor record(Record&& r);

/// What a node kept for its backward.
class Saved {
 public:
  explicit Saved(const NodePtr& node) : node_(node) {}
  /// The i-th of .saved, with its history.
  Tensor operator[](std::size_t i) const;
  /// The output, for ops with .save_output.
  Tensor output() const;
  const Shape& shape(std::size_t input) const { return node_->edges[input].shape; }
  DType dtype(std::size_t input) const { return node_->edges[input].dtype; }
  std::size_t inputs() const { return node_->edges.size(); }

 private:
  const NodePtr& node_;
};

/// A map that is linear in its one input: its backward is the adjoint map, adjoint(grad, shape of the input),
/// and needs nothing saved.
template <class Adjoint>
Tensor record_linear_map(std::string_view op, const Tensor& x, Array output, Adjoint adjoint) {
  return record({
      .op = op,
      .inputs = {x},
      .output = std::move(output),
      .backward = [adjoint](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {adjoint(grad, saved.shape(0))};
      },
  });
}

}  // namespace evenkeel
