#pragma once
/// Tensors from nothing. The dtype is float32 unless the options say otherwise; the `_like` forms take shape
/// and dtype from a tensor. As in PyTorch.

#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/random.h>

namespace evenkeel {

Tensor zeros(const Shape& shape, const TensorOptions& options = {});
Tensor ones(const Shape& shape, const TensorOptions& options = {});
Tensor full(const Shape& shape, double value, const TensorOptions& options = {});
/// 0, 1, ..., n - 1; int64 unless asked otherwise.
Tensor arange(std::int64_t n, const TensorOptions& options = {});
/// begin, begin + step, ... before end (behind it for a negative step); int64 unless asked otherwise. Throws
/// ArgumentError for a step of 0 or one that leads away from end.
Tensor arange(std::int64_t begin, std::int64_t end, std::int64_t step = 1, const TensorOptions& options = {});
/// Standard normal numbers. The same generator state gives the same numbers on any number of threads.
Tensor randn(const Shape& shape, const TensorOptions& options = {}, Rng& rng = default_rng());
/// Uniform numbers in [0, 1).
Tensor rand(const Shape& shape, const TensorOptions& options = {}, Rng& rng = default_rng());

Tensor zeros_like(const Tensor& x, const TensorOptions& options = {});
Tensor ones_like(const Tensor& x, const TensorOptions& options = {});
Tensor full_like(const Tensor& x, double value, const TensorOptions& options = {});
Tensor randn_like(const Tensor& x, const TensorOptions& options = {}, Rng& rng = default_rng());
Tensor rand_like(const Tensor& x, const TensorOptions& options = {}, Rng& rng = default_rng());

}  // namespace evenkeel
