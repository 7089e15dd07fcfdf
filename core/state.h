#pragma once

#include <evenkeel/core/array.h>

#include <string>
#include <utility>
#include <vector>

namespace evenkeel {

/// Named arrays in a fixed order: what a module is made of, and what a file of it holds. Names are PyTorch's
/// ("conv.weight", "norm.running_mean").
using State = std::vector<std::pair<std::string, Array>>;

}  // namespace evenkeel
