#include <evenkeel/core/kernels/elementwise.h>

#include <algorithm>

namespace evenkeel::kernels {

void check_same_dtype(std::string_view op, const Array& first, const Array& other) {
  check(other.dtype() == first.dtype(), op, ": ", first.dtype(), ' ', first.shape(), " does not fit ",
        other.dtype(), ' ', other.shape(), "; expected one dtype, use to(dtype)");
}

void check_floating(std::string_view op, const Array& a) {
  check(is_floating(a.dtype()), op, ": expected float32 or float64, got ", a.dtype(), ' ', a.shape(),
        "; use to(dtype)");
}

Shape broadcast_shape(std::string_view op, const Array& a, const Array& b) {
  const auto rank = std::max(a.shape().rank(), b.shape().rank());
  const Shape left = a.shape().padded(rank), right = b.shape().padded(rank);
  std::array<std::int64_t, Shape::max_rank> dims{};
  for (std::size_t axis = 0; axis < rank; ++axis) {
    check(left[axis] == right[axis] || left[axis] == 1 || right[axis] == 1, op, ": ", a.dtype(), ' ',
          a.shape(), " does not fit ", b.dtype(), ' ', b.shape());
    dims[axis] = left[axis] == 1 ? right[axis] : left[axis];
  }
  return Shape(std::span<const std::int64_t>(dims.data(), rank));
}

BroadcastLoops::BroadcastLoops(const Shape& out, const Shape& a, const Shape& b) {
  std::int64_t a_step = 1, b_step = 1;
  std::array<std::int64_t, Shape::max_rank> reversed{}, a_reversed{}, b_reversed{};
  for (std::size_t axis = out.rank(); axis-- > 0;) {
    const auto dim = out[axis];
    const auto a_stride = a[axis] == dim ? a_step : 0, b_stride = b[axis] == dim ? b_step : 0;
    a_step *= a[axis];
    b_step *= b[axis];
    if (dim == 1) continue;
    // An axis joins the one inside it where both operands run through (or repeat) the two as through one.
    const auto joins = [&](std::int64_t stride, std::int64_t inside) {
      return stride == inside * reversed[rank - 1] && (stride != 0) == (inside != 0);
    };
    if (rank > 0 && joins(a_stride, a_reversed[rank - 1]) && joins(b_stride, b_reversed[rank - 1])) {
      reversed[rank - 1] *= dim;
      continue;
    }
    reversed[rank] = dim;
    a_reversed[rank] = a_stride;
    b_reversed[rank] = b_stride;
    ++rank;
  }
  if (rank == 0) reversed[rank++] = 1;
  for (std::size_t axis = 0; axis < rank; ++axis) {
    dims[axis] = reversed[rank - 1 - axis];
    a_strides[axis] = a_reversed[rank - 1 - axis];
    b_strides[axis] = b_reversed[rank - 1 - axis];
    if (axis + 1 < rank) rows *= dims[axis];
  }
  inner = dims[rank - 1];
}

BroadcastLoops::Offsets BroadcastLoops::at(std::int64_t row) const {
  Offsets offsets;
  for (std::size_t axis = rank - 1; axis-- > 0;) {
    const auto i = row % dims[axis];
    row /= dims[axis];
    offsets.a += i * a_strides[axis];
    offsets.b += i * b_strides[axis];
  }
  return offsets;
}

Array aligned(const Array& a, std::size_t rank, MemoryOrder order) {
  if (a.shape().rank() == rank) return in_order(a, order);
  return in_order(row_major(a).relabelled(a.shape().padded(rank), MemoryOrder::row_major), order);
}

Broadcast::Broadcast(std::string_view op, const Array& first, const Array& second)
    : shape(broadcast_shape(op, first, second)),
      order(first.shape() == shape    ? first.order()
            : second.shape() == shape ? second.order()
                                      : MemoryOrder::row_major),
      a(aligned(first, shape.rank(), order)),
      b(aligned(second, shape.rank(), order)) {}

BroadcastLoops Broadcast::loops() const {
  return BroadcastLoops(stored_shape(shape, order), stored_shape(a.shape(), order),
                        stored_shape(b.shape(), order));
}

Array expand(const Array& a, const Shape& shape, MemoryOrder order) {
  const Shape from = a.shape().padded(shape.rank());
  const auto fits = [&](std::size_t axis) { return from[axis] == shape[axis] || from[axis] == 1; };
  bool ok = from.rank() == shape.rank();
  for (std::size_t axis = 0; ok && axis < shape.rank(); ++axis) ok = fits(axis);
  check(ok, "expand: ", a.shape(), " cannot become ", shape, "; expected axes that are equal or 1");
  const Array small = aligned(a, shape.rank(), order);
  if (small.shape() == shape) return small;
  Array out = Array::uninitialized(shape, a.dtype(), order);
  const Shape stored = stored_shape(shape, order), repeated = stored_shape(small.shape(), order);
  const BroadcastLoops loops(stored, repeated, repeated);
  const auto grain = at_least_one(elements_per_task / at_least_one(loops.inner));
  dispatch(a.dtype(), [&]<class T>() {
    const T* const from_values = small.stored<T>().data();
    T* const to = out.mutable_stored<T>().data();
    parallel_for(loops.rows, grain, [&](std::int64_t first, std::int64_t last) {
      for (auto row = first; row < last; ++row) {
        const T* const values = from_values + loops.at(row).a;
        if (loops.a_strides[loops.rank - 1] != 0)
          std::copy_n(values, loops.inner, to + row * loops.inner);
        else
          std::fill_n(to + row * loops.inner, loops.inner, *values);
      }
    });
  });
  return out;
}

Array cast(const Array& a, DType dtype) {
  if (a.dtype() == dtype) return a;
  Array out = Array::uninitialized(a.shape(), dtype, a.order());
  dispatch(a.dtype(), [&]<class From>() {
    dispatch(dtype, [&]<class To>() {
      transform(
          a.size(), out.mutable_stored<To>().data(), [](From v) { return convert<To>(v); },
          a.stored<From>().data());
    });
  });
  return out;
}

Array full(const Shape& shape, DType dtype, double value, MemoryOrder order) {
  Array out = Array::uninitialized(shape, dtype, order);
  dispatch(dtype, [&]<class T>() { std::ranges::fill(out.mutable_stored<T>(), convert<T>(value)); });
  return out;
}

void add_in_place(Array& a, const Array& b) {
  check(a.shape() == b.shape() && a.dtype() == b.dtype(), "add: ", a.dtype(), ' ', a.shape(),
        " does not fit ", b.dtype(), ' ', b.shape());
  const Array other = in_order(b, a.order());
  dispatch(a.dtype(), [&]<class T>() {
    using Sum = std::conditional_t<std::is_same_v<T, std::int64_t>, std::uint64_t, T>;  // wraps, as operator+
    const auto plus = [](T x, T y) { return static_cast<T>(static_cast<Sum>(x) + static_cast<Sum>(y)); };
    transform_in_place(a.size(), a.mutable_stored<T>().data(), plus, other.stored<T>().data());
  });
}

}  // namespace evenkeel::kernels
