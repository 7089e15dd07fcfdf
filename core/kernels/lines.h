#pragma once
/// Arrays as the lines along one of their axes.

#include <evenkeel/core/array.h>

#include <cstddef>

namespace evenkeel::kernels {

/// The lines along an axis as the rows of a row-major matrix [size / dim, dim], in the row-major order of the
/// other axes. Shared where they lie so: the last axis, and the channels of a channels-last array.
Array lines_along(const Array& a, std::size_t axis);
/// The array of this shape and order whose lines these are.
Array array_of_lines(const Array& lines, const Shape& shape, std::size_t axis, MemoryOrder order);

}  // namespace evenkeel::kernels
