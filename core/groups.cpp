#include <evenkeel/core/check.h>
#include <evenkeel/core/groups.h>

namespace evenkeel {

void check_groups(std::string_view op, const Groups& groups, std::int64_t size) {
  const auto blocks = groups.blocks, count = groups.count, inner = groups.inner;
  // The products are those of Shapes, so that they cannot overflow, not even those of groups of nothing.
  const auto is_divided = [&] {
    return blocks > 0 && count > 0 && inner > 0 && size % Shape{blocks, count, inner}.count() == 0;
  };
  const bool fits = blocks >= 0 && count >= 0 && inner >= 0 && Shape{blocks, count}.count() >= 0 &&
                    (size == 0 || is_divided());
  check(fits, op, ": ", blocks, " blocks of ", count, " groups in runs of ", inner, " do not fit ", size,
        " elements");
}

std::vector<Partition> partitions(Shape from, const Shape& to) {
  std::vector<Partition> steps;
  while (!(from == to)) {
    auto axis = from.rank();
    const auto size = from.count();
    // The product of the neighbouring axes that are summed (or kept); an axis of one element belongs to
    // either kind.
    const auto product_of = [&](bool summed) {
      std::int64_t product = 1;
      for (; axis > 0 && (from[axis - 1] == 1 || (from[axis - 1] != to[axis - 1]) == summed); --axis) {
        product *= from[axis - 1];
        from = from.with(axis - 1, to[axis - 1]);
      }
      return product;
    };
    const auto inner = product_of(true), count = product_of(false);
    product_of(true);  // the axes between two blocks
    std::int64_t blocks = 1;
    for (std::size_t outer = 0; outer < axis; ++outer) blocks *= from[outer];
    steps.push_back({{blocks, count, inner}, size});
  }
  return steps;
}

}  // namespace evenkeel
