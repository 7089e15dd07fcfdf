#pragma once
/// Sums over the groups of any partition, for kernels that have no faster way through it.

#include <evenkeel/core/groups.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <array>
#include <vector>

namespace evenkeel::kernels {

template <std::size_t terms>
using Sums = std::vector<std::array<double, terms>>;

/// The sums of every group, where add_run(begin, end, group, sums) adds the terms of neighbours [begin, end)
/// of one group; `run` divides groups.inner. Tiles of whole rows, and ranges of groups, run in parallel and
/// are combined in their order: the rounding follows from the shape alone.
template <std::size_t terms, class AddRun>
Sums<terms> group_sums(std::int64_t size, const Groups& groups, std::int64_t run, AddRun add_run) {
  constexpr std::int64_t most_tiles = 16;  // to a group: bounds the partial results
  Sums<terms> sums(static_cast<std::size_t>(groups.total()));
  if (size == 0) return sums;
  const auto block = size / groups.blocks, row = groups.count * groups.inner, rows = block / row;
  const auto tile_rows = std::max(at_least_one(elements_per_task / row), ceil_div(rows, most_tiles));
  const auto tile_groups = at_least_one(elements_per_task / groups.inner);
  const auto down = ceil_div(rows, tile_rows), across = ceil_div(groups.count, tile_groups);
  const auto tile_size = std::min(rows, tile_rows) * std::min(groups.count, tile_groups) * groups.inner;
  Sums<terms> partial(static_cast<std::size_t>(down * groups.total()));
  const auto sum_tile = [&](std::int64_t tile) {
    const auto b = tile / across / down, part = tile / across % down;
    const auto first = tile % across * tile_groups, last = std::min(groups.count, first + tile_groups);
    for (auto r = part * tile_rows; r < std::min(rows, (part + 1) * tile_rows); ++r)
      for (auto g = first; g < last; ++g) {
        const auto group = b * groups.count + g, begin = b * block + r * row + g * groups.inner;
        auto& into = partial[static_cast<std::size_t>(part * groups.total() + group)];
        for (auto i = begin; i < begin + groups.inner; i += run) add_run(i, i + run, group, into);
      }
  };
  parallel_for(groups.blocks * down * across, at_least_one(elements_per_task / tile_size),
               [&](std::int64_t first, std::int64_t last) {
                 for (auto tile = first; tile < last; ++tile) sum_tile(tile);
               });
  for (std::size_t p = 0; p < partial.size(); ++p)
    for (std::size_t term = 0; term < terms; ++term) sums[p % sums.size()][term] += partial[p][term];
  return sums;
}

}  // namespace evenkeel::kernels
