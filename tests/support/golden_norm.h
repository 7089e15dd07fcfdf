#pragma once
/// Builds the normalization layers of golden cases from the arguments that PyTorch or MindSpore was given.

#include <evenkeel/layers/any_layer.h>
#include <evenkeel/tests/support/golden.h>

namespace evenkeel::testing {

/// A layer of PyTorch's.
AnyLayer torch_norm(const GoldenCase& of);
/// A layer of MindSpore's, by mindspore::.
AnyLayer mindspore_norm(const GoldenCase& of);

}  // namespace evenkeel::testing
