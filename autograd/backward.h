#pragma once

#include <evenkeel/autograd/tensor.h>

namespace evenkeel {

struct GradientOptions {
  Tensor cotangent = {};      ///< may be left out for an output of one element
  bool retain_graph = false;  ///< keep the graph for another backward
  bool create_graph = false;  ///< record the backward itself; implies retain_graph
};
/// The gradients of <output, cotangent> with respect to `inputs`, returned instead of stored; no grad()
/// changes. An input that the output does not depend on gets an undefined tensor. Throws GraphError for an
/// input that requires no gradient.
Tensors gradients(const Tensor& output, const Tensors& inputs, const GradientOptions& options = {});

}  // namespace evenkeel
