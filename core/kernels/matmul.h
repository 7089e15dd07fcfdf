#pragma once
/// Matrix products. Each row of a result has the same bits alone and among others, on any number of threads.

#include <evenkeel/core/array.h>
#include <evenkeel/core/matmul_options.h>

namespace evenkeel::kernels {

/// op(a) op(b) for matrices, or for stacks of matrices [B, rows, columns] of equal B. Shapes must fit; both
/// are row-major. A sum over nothing is 0.
Array matmul(const Array& a, const Array& b, MatmulOptions options = {});

/// x weight^T + bias for x [..., K], weight [O, K], bias [O] or undefined.
Array linear(const Array& x, const Array& weight, const Array& bias);

}  // namespace evenkeel::kernels
