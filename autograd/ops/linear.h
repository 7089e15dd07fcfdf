#pragma once

#include <evenkeel/autograd/tensor.h>

namespace evenkeel {

/// y = x weight^T + bias: x [..., in_features], weight [out_features, in_features], bias [out_features] or
/// undefined. All of one dtype, float32 or float64. A row has the same bits alone and in a batch.
Tensor linear(const Tensor& x, const Tensor& weight, const Tensor& bias = {});

}  // namespace evenkeel
