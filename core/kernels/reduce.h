#pragma once
/// Reductions over partitions of the stored shape. Floating sums are kept in double and combined in an order
/// that follows from the shape alone.

#include <evenkeel/core/array.h>
#include <evenkeel/core/groups.h>

#include <cstdint>

namespace evenkeel::kernels {

/// One sum per group of the values as they are stored: shape [groups.total()], of a's dtype, but int64 for
/// integers.
Array group_sum(const Array& a, const Groups& groups);
/// Gives each element of a shape the value of its group; the adjoint of group_sum.
Array spread(const Array& a, const Groups& groups, const Shape& shape, MemoryOrder order);
/// Sums over the axes that are 1 (or missing) in `shape`; keeps the memory order. Integers become int64.
Array sum_to(const Array& a, const Shape& shape);

enum class Extreme : std::uint8_t { max, min };
/// The largest (or smallest) elements over the axes that are 1 in `shape`; NaN wins. a must have elements.
Array extreme_to(const Array& a, const Shape& shape, Extreme which);
/// The index along `axis` of the first largest (or smallest) element, int64; NaN wins. The axis must have
/// elements.
Array arg_extreme(const Array& a, std::size_t axis, Extreme which);

}  // namespace evenkeel::kernels
