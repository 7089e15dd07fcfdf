#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/reduce.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <limits>
#include <vector>

namespace evenkeel::kernels {
namespace {

constexpr std::int64_t most_tiles = 16;  // to a group: bounds the partial results

/// Combines the elements [begin, end) into one, in 8 lanes that the compiler can keep in a vector.
template <class Total, class T, class Combine>
Total combine_run(const T* begin, const T* end, Total start, Combine combine) {
  std::array<Total, 8> lanes;
  lanes.fill(start);
  for (; end - begin >= 8; begin += 8)
    for (std::size_t lane = 0; lane < 8; ++lane)
      lanes[lane] = combine(lanes[lane], static_cast<Total>(begin[lane]));
  for (std::size_t lane = 0; begin != end; ++begin, ++lane)
    lanes[lane] = combine(lanes[lane], static_cast<Total>(*begin));
  Total total = start;
  for (const Total lane : lanes) total = combine(total, lane);
  return total;
}

/// Combines the elements of every group, starting from `start`. Tiles of whole rows (and ranges of groups)
/// run in parallel and are combined in their order: the rounding follows from the shape alone.
template <class Total, class T, class Combine>
std::vector<Total> combine_groups(const T* values, std::int64_t size, const Groups& groups, Total start,
                                  Combine combine) {
  std::vector<Total> totals(static_cast<std::size_t>(groups.total()), start);
  if (size == 0) return totals;
  const auto block = size / groups.blocks, row = groups.count * groups.inner, rows = block / row;
  const auto tile_rows = std::max(at_least_one(elements_per_task / row), ceil_div(rows, most_tiles));
  const auto tile_groups = at_least_one(elements_per_task / groups.inner);
  const auto tiles_down = ceil_div(rows, tile_rows), tiles_across = ceil_div(groups.count, tile_groups);
  const auto tiles = groups.blocks * tiles_down * tiles_across;
  std::vector<Total> partial(static_cast<std::size_t>(tiles_down * groups.total()), start);
  const auto tile_size = std::min(rows, tile_rows) * std::min(groups.count, tile_groups) * groups.inner;
  parallel_for(
      tiles, at_least_one(elements_per_task / tile_size), [&](std::int64_t first, std::int64_t last) {
        for (auto tile = first; tile < last; ++tile) {
          const auto b = tile / tiles_across / tiles_down, down = tile / tiles_across % tiles_down;
          const auto g0 = tile % tiles_across * tile_groups, g1 = std::min(groups.count, g0 + tile_groups);
          Total* const into = partial.data() + down * groups.total() + b * groups.count;
          for (auto r = down * tile_rows; r < std::min(rows, (down + 1) * tile_rows); ++r) {
            const T* const from = values + b * block + r * row;
            if (groups.inner == 1)
              for (auto g = g0; g < g1; ++g) into[g] = combine(into[g], static_cast<Total>(from[g]));
            else
              for (auto g = g0; g < g1; ++g) {
                const T* const begin = from + g * groups.inner;
                into[g] = combine(into[g], combine_run(begin, begin + groups.inner, start, combine));
              }
          }
        }
      });
  for (std::size_t p = 0; p < partial.size(); ++p) {
    Total& total = totals[p % totals.size()];
    total = combine(total, partial[p]);
  }
  return totals;
}

/// Reduces a to `shape`, which has 1 on the axes to go, partition by partition.
template <class Reduce>
Array reduce_to(const Array& a, const Shape& shape, Reduce reduce) {
  const Shape kept = shape.padded(a.shape().rank());
  Array out = a;
  for (const auto& step : partitions(stored_shape(a.shape(), a.order()), stored_shape(kept, a.order())))
    out = reduce(out, step.groups);
  out = out.relabelled(kept, a.order());
  return kept == shape ? out : row_major(out).relabelled(shape, MemoryOrder::row_major);
}

template <class T>
bool wins(T challenger, T holder, Extreme which) {
  if constexpr (std::is_floating_point_v<T>) {
    if (std::isnan(holder)) return false;
    if (std::isnan(challenger)) return true;
  }
  return which == Extreme::max ? challenger > holder : challenger < holder;
}

template <class T>
T weakest(Extreme which) {
  using Limits = std::numeric_limits<T>;
  if constexpr (std::is_floating_point_v<T>)
    return which == Extreme::max ? -Limits::infinity() : Limits::infinity();
  else
    return which == Extreme::max ? Limits::lowest() : Limits::max();
}

}  // namespace

Array group_sum(const Array& a, const Groups& groups) {
  const bool integral = !is_floating(a.dtype());
  Array out = Array::uninitialized({groups.total()}, integral ? DType::int64 : a.dtype());
  dispatch(a.dtype(), [&]<class T>() {
    using Total = std::conditional_t<std::is_floating_point_v<T>, double, std::int64_t>;
    using Out = std::conditional_t<std::is_floating_point_v<T>, T, std::int64_t>;
    const auto sums =
        combine_groups<Total>(a.stored<T>().data(), a.size(), groups, Total{0}, [](Total x, Total y) {
          // Integers wrap around, as in PyTorch, rather than overflow.
          if constexpr (std::is_integral_v<Total>)
            return static_cast<Total>(static_cast<std::uint64_t>(x) + static_cast<std::uint64_t>(y));
          else
            return x + y;
        });
    std::ranges::transform(sums, out.mutable_data<Out>().begin(),
                           [](Total sum) { return static_cast<Out>(sum); });
  });
  return out;
}

Array spread(const Array& a, const Groups& groups, const Shape& shape, MemoryOrder order) {
  check(a.size() == groups.total(), "spread: ", a.shape(), " does not fit ", groups.total(), " groups");
  const auto size = shape.count();
  if (size == 0) return Array(shape, a.dtype(), order);
  const auto rows = size / groups.total() / groups.inner;
  const Array small = a.relabelled({groups.blocks, 1, groups.count, 1}, MemoryOrder::row_major);
  const Shape large{groups.blocks, rows, groups.count, groups.inner};
  return expand(small, large, MemoryOrder::row_major).relabelled(shape, order);
}

Array sum_to(const Array& a, const Shape& shape) {
  const Array values = is_floating(a.dtype()) ? a : cast(a, DType::int64);
  return reduce_to(values, shape,
                   [](const Array& part, const Groups& groups) { return group_sum(part, groups); });
}

Array extreme_to(const Array& a, const Shape& shape, Extreme which) {
  return reduce_to(a, shape, [which](const Array& values, const Groups& groups) {
    Array out = Array::uninitialized({groups.total()}, values.dtype());
    dispatch(values.dtype(), [&]<class T>() {
      const auto winners = combine_groups<T>(
          values.stored<T>().data(), values.size(), groups, weakest<T>(which),
          [which](T holder, T challenger) { return wins(challenger, holder, which) ? challenger : holder; });
      std::ranges::copy(winners, out.mutable_data<T>().begin());
    });
    return out;
  });
}

Array arg_extreme(const Array& given, std::size_t axis, Extreme which) {
  const Array a = row_major(given);
  const auto length = a.shape()[axis], step = a.shape().count(axis + 1);
  Array out = Array::uninitialized(a.shape().without(axis), DType::int64);
  dispatch(a.dtype(), [&]<class T>() {
    const T* const values = a.data<T>().data();
    std::int64_t* const to = out.mutable_data<std::int64_t>().data();
    parallel_for(out.size(), at_least_one(elements_per_task / length),
                 [&](std::int64_t first, std::int64_t last) {
                   for (auto i = first; i < last; ++i) {
                     const T* const line = values + i / step * length * step + i % step;
                     std::int64_t best = 0;
                     for (std::int64_t k = 1; k < length; ++k)
                       if (wins(line[k * step], line[best * step], which)) best = k;
                     to[i] = best;
                   }
                 });
  });
  return out;
}

}  // namespace evenkeel::kernels
