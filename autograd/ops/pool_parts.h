#pragma once
/// Internal: what max_pool2d shares with the ops that end in one.

#include <evenkeel/autograd/ops/pool.h>

namespace evenkeel {

/// What max_pool2d gives back to x of this shape, [N, C, H, W], by the taps that kernels::MaxPool found.
/// Differentiable to any order.
Tensor max_pool2d_adjoint(const Tensor& grad, const Tensor& taps, const Shape& shape, const Window& window);

/// Throws ArgumentError for more than half a kernel of padding.
Window window_of(const MaxPool2dOptions& o);

}  // namespace evenkeel
