#pragma once
/// Activations as layers; the ops of the same names say what they compute.

#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/layers/layer.h>

namespace evenkeel {

/// max(x, 0).
class ReLU final : public Layer {
 protected:
  Tensor forward(const Tensor& x) override { return relu(x); }
};

}  // namespace evenkeel
