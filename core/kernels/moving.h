#pragma once
/// Kernels that move elements and change none; for every dtype.

#include <evenkeel/core/array.h>

#include <array>

namespace evenkeel::kernels {

using Axes = std::array<std::size_t, Shape::max_rank>;

/// Axis i of the result is axis axes[i] of a.
Array permute(const Array& a, const Axes& axes);
/// The elements [begin, begin + length) of one axis.
Array slice(const Array& a, std::size_t axis, std::int64_t begin, std::int64_t length);
/// Writes `part` into the axis of a row-major array, at `begin`.
void place(Array& whole, const Array& part, std::size_t axis, std::int64_t begin);
/// out[i] = a[index[i]]: the positions are offsets into a as it is stored in the order of `index`.
/// Throws where one lies outside.
Array gather(const Array& a, const Array& index);
/// out[index[i]] += a[i] in a new array of zeros: the adjoint of gather.
Array scatter(const Array& a, const Array& index, const Shape& shape);

}  // namespace evenkeel::kernels
