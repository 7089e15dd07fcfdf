#pragma once
/// Every reduction and every broadcast is a partition of the stored shape, or a short chain of them.

#include <evenkeel/core/array.h>

#include <cstdint>
#include <string_view>
#include <vector>

namespace evenkeel {

/// A partition of a flat array: `blocks` equal consecutive pieces, each with `count` groups of its own.
/// Element i of `size` belongs to group i / (size / blocks) * count + i / inner % count.
struct Groups {
  std::int64_t blocks = 1, count = 1, inner = 1;

  std::int64_t total() const { return blocks * count; }
  std::int64_t of(std::int64_t i, std::int64_t size) const {
    return i / (size / blocks) * count + i / inner % count;
  }
  /// The first element of a group.
  std::int64_t first_of(std::int64_t group, std::int64_t size) const {
    if (blocks == 1) return group * inner;  // kernels of many small groups would wait for the divisions
    return group / count * (size / blocks) + group % count * inner;
  }
};

/// Throws ArgumentError, starting with `op`, unless so many elements are equal blocks of equal groups.
void check_groups(std::string_view op, const Groups& groups, std::int64_t size);

/// The channels of x, [N, C, ...], in the order in which x is stored.
inline Groups groups_of_channels(const Array& x) {
  return {1, x.shape()[1], is_channels_last(x) ? 1 : x.shape().count(2)};
}
/// The channels of each sample of x, [N, C, ...], in so many groups.
inline Groups groups_of_samples(const Array& x, std::int64_t groups) {
  const auto per_group = groups == 0 ? 0 : x.shape()[1] / groups;  // of no channels
  if (is_channels_last(x)) return {x.shape()[0], groups, per_group};
  return {1, x.shape()[0] * groups, per_group * x.shape().count(2)};
}

/// One step of a broadcast: `size` elements in groups, each to be summed to one element (or, backwards,
/// repeated).
struct Partition {
  Groups groups;
  std::int64_t size = 0;
};
/// A broadcast as partitions, to be summed away from first to last. `from` and `to` are stored shapes of one
/// rank; the axes where they differ are 1 in `to`.
std::vector<Partition> partitions(Shape from, const Shape& to);

}  // namespace evenkeel
