#pragma once

#include <evenkeel/autograd/tensor.h>

#include <string>

namespace evenkeel {

/// The tape behind a tensor, newest first, one line a node: its number, its op, and for each input the node
/// that made it (or "-") with its dtype and shape.
std::string graph_text(const Tensor& tensor);

}  // namespace evenkeel
