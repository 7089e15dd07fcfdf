#pragma once

namespace evenkeel {

/// Which operands of a matrix product are read transposed.
struct MatmulOptions {
  bool transpose_a = false, transpose_b = false;
};

}  // namespace evenkeel
