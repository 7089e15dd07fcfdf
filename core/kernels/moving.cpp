#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/moving.h>
#include <evenkeel/core/kernels/transpose.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <cstring>
#include <optional>
#include <utility>

namespace evenkeel::kernels {
namespace {

/// The order in which positions for `a` count: theirs where the ranks agree, else row-major.
MemoryOrder order_of_positions(const Array& index, const Shape& shape) {
  return shape.rank() == index.shape().rank() ? index.order() : MemoryOrder::row_major;
}

/// The offset, if it lies inside so many elements.
std::int64_t inside(std::int64_t offset, std::int64_t size) {
  check(offset >= 0 && offset < size, "gather: offset ", offset, " is outside ", size, " elements");
  return offset;
}

/// Where the axes are 0, 1, ... and then two runs, up to the last axis, that have changed places, such as
/// {0, 2, 3, 1}: the first axis of the run that came first and of the other.
std::optional<std::pair<std::size_t, std::size_t>> swapped_runs(const Axes& axes, std::size_t rank) {
  std::size_t first = 0;
  while (first < rank && axes[first] == first) ++first;
  if (first == rank) return std::nullopt;
  const auto second = axes[first];
  for (auto i = first; i < rank; ++i)
    if (axes[i] - first != (i - first + second - first) % (rank - first)) return std::nullopt;
  return std::pair{first, second};
}

}  // namespace

Array permute(const Array& given, const Axes& axes) {
  const Array a = row_major(given);
  const auto rank = a.shape().rank();
  if (rank == 0) return a;
  std::array<std::int64_t, Shape::max_rank> dims{}, strides{};
  for (std::size_t i = 0; i < rank; ++i) {
    dims[i] = a.shape()[axes[i]];
    strides[i] = a.shape().count(axes[i] + 1);
  }
  const Shape shape(std::span<const std::int64_t>(dims.data(), rank));
  Array out = Array::uninitialized(shape, a.dtype());
  const auto inner = dims[rank - 1], step = strides[rank - 1];
  if (out.size() == 0) return out;
  if (const auto runs = swapped_runs(axes, rank)) {
    const auto columns = a.shape().count(runs->second), matrix = a.shape().count(runs->first);
    transpose(a.bytes().data(), out.mutable_bytes().data(), a.size() / matrix, matrix / columns, columns,
              static_cast<std::int64_t>(size_of(a.dtype())));
    return out;
  }
  dispatch(a.dtype(), [&]<class T>() {
    const T* const from = a.data<T>().data();
    T* const to = out.mutable_data<T>().data();
    parallel_for(out.size() / inner, at_least_one(elements_per_task / inner),
                 [&](std::int64_t first, std::int64_t last) {
                   for (auto row = first; row < last; ++row) {
                     std::int64_t offset = 0, rest = row;
                     for (auto axis = rank - 1; axis-- > 0; rest /= dims[axis])
                       offset += rest % dims[axis] * strides[axis];
                     for (std::int64_t i = 0; i < inner; ++i) to[row * inner + i] = from[offset + i * step];
                   }
                 });
  });
  return out;
}

Array slice(const Array& given, std::size_t axis, std::int64_t begin, std::int64_t length) {
  const Array a = row_major(given);
  Array out = Array::uninitialized(a.shape().with(axis, length), a.dtype());
  const auto step = static_cast<std::size_t>(a.shape().count(axis + 1)) * size_of(a.dtype());
  const auto run = static_cast<std::size_t>(length) * step,
             stride = static_cast<std::size_t>(a.shape()[axis]) * step;
  if (out.size() == 0) return out;
  const auto from = a.bytes();
  const auto to = out.mutable_bytes();
  for (std::size_t i = 0; i < to.size() / run; ++i)
    std::memcpy(&to[i * run], &from[i * stride + static_cast<std::size_t>(begin) * step], run);
  return out;
}

void place(Array& whole, const Array& part, std::size_t axis, std::int64_t begin) {
  const Array small = row_major(part);
  if (small.size() == 0) return;
  const auto step = static_cast<std::size_t>(whole.shape().count(axis + 1)) * size_of(whole.dtype());
  const auto run = static_cast<std::size_t>(small.shape()[axis]) * step;
  const auto stride = static_cast<std::size_t>(whole.shape()[axis]) * step;
  const auto from = small.bytes();
  const auto to = whole.mutable_bytes();
  for (std::size_t i = 0; i < from.size() / run; ++i)
    std::memcpy(&to[i * stride + static_cast<std::size_t>(begin) * step], &from[i * run], run);
}

Array gather(const Array& a, const Array& index) {
  const Array source = in_order(a, order_of_positions(index, a.shape()));
  Array out = Array::uninitialized(index.shape(), a.dtype(), index.order());
  dispatch(a.dtype(), [&]<class T>() {
    const T* const from = source.stored<T>().data();
    const std::int64_t* const positions = index.stored<std::int64_t>().data();
    T* const to = out.mutable_stored<T>().data();
    const auto size = source.size();
    parallel_for(out.size(), elements_per_task, [=](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) to[i] = from[inside(positions[i], size)];
    });
  });
  return out;
}

Array scatter(const Array& a, const Array& index, const Shape& shape) {
  const Array source = in_order(a, index.order());
  Array out(shape, a.dtype(), order_of_positions(index, shape));
  dispatch(a.dtype(), [&]<class T>() {
    const T* const from = source.stored<T>().data();
    const std::int64_t* const positions = index.stored<std::int64_t>().data();
    T* const to = out.mutable_stored<T>().data();
    for (std::int64_t i = 0; i < source.size(); ++i) {
      T& place = to[inside(positions[i], out.size())];
      place = static_cast<T>(place + from[i]);
    }
  });
  return out;
}

}  // namespace evenkeel::kernels
