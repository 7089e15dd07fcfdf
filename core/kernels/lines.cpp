#include <evenkeel/core/kernels/lines.h>
#include <evenkeel/core/kernels/moving.h>
#include <evenkeel/core/parallel.h>

namespace evenkeel::kernels {
namespace {

bool is_channels_of_images(const Shape& shape, std::size_t axis) {
  return axis == 1 && (shape.rank() == 4 || shape.rank() == 5);
}

}  // namespace

Array lines_along(const Array& a, std::size_t axis) {
  const Shape& shape = a.shape();
  const auto dim = shape[axis];
  const Shape matrix{shape.without(axis).count(), dim};
  if (is_channels_of_images(shape, axis))
    return in_order(a, MemoryOrder::channels_last).relabelled(matrix, MemoryOrder::row_major);
  if (axis + 1 == shape.rank()) return row_major(a).relabelled(matrix, MemoryOrder::row_major);
  const Array blocks = row_major(a).relabelled(
      {shape.count() / at_least_one(dim * shape.count(axis + 1)), dim, shape.count(axis + 1)},
      MemoryOrder::row_major);
  return permute(blocks, {0, 2, 1}).relabelled(matrix, MemoryOrder::row_major);
}

Array array_of_lines(const Array& lines, const Shape& shape, std::size_t axis, MemoryOrder order) {
  if (is_channels_of_images(shape, axis))
    return in_order(lines.relabelled(shape, MemoryOrder::channels_last), order);
  if (axis + 1 == shape.rank()) return in_order(lines.relabelled(shape, MemoryOrder::row_major), order);
  const auto dim = shape[axis], inner = shape.count(axis + 1);
  const Array blocks =
      lines.relabelled({shape.count() / at_least_one(dim * inner), inner, dim}, MemoryOrder::row_major);
  return in_order(permute(blocks, {0, 2, 1}).relabelled(shape, MemoryOrder::row_major), order);
}

}  // namespace evenkeel::kernels
