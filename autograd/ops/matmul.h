#pragma once

#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/matmul_options.h>

#include <string_view>

namespace evenkeel {

/// The matrix product as PyTorch's matmul: [M, K] x [K, N] is [M, N]; leading axes are batches and broadcast;
/// a vector [K] on either side is a row or column whose axis vanishes from the result. float32 or float64.
/// Each row has the same bits alone and among others, on any number of threads.
Tensor matmul(const Tensor& a, const Tensor& b);

/// What matmul and linear are built on: op(a) op(b) for two matrices, or two stacks of as many matrices,
/// whose shapes fit. `op` names it in the graph and in errors.
Tensor product(std::string_view op, const Tensor& a, const Tensor& b, MatmulOptions options = {});

}  // namespace evenkeel
