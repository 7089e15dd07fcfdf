#pragma once
/// Elementwise kernels: map over arrays of one shape, zip with broadcasting. Results never depend on the
/// memory order.

#include <evenkeel/core/array.h>
#include <evenkeel/core/parallel.h>

#include <string_view>
#include <type_traits>

namespace evenkeel::kernels {

/// Throws unless all arrays have the first one's dtype, starting with `op`.
void check_same_dtype(std::string_view op, const Array& first, const Array& other);
/// Throws unless the array is float32 or float64.
void check_floating(std::string_view op, const Array& a);
/// The common shape of two broadcast arrays (NumPy's rule: axes are aligned at the end, 1 repeats).
Shape broadcast_shape(std::string_view op, const Array& a, const Array& b);
/// Repeats along the axes that are 1 (or missing) in a's shape. Throws unless a can become `shape`.
Array expand(const Array& a, const Shape& shape, MemoryOrder order);
/// The same values as another dtype; see convert.
Array cast(const Array& a, DType dtype);
/// Every element `value`.
Array full(const Shape& shape, DType dtype, double value, MemoryOrder order = MemoryOrder::row_major);
/// a += b for arrays of one shape and dtype.
void add_in_place(Array& a, const Array& b);

/// out[i] = f(in[i]...), in parallel.
template <class Out, class F, class... In>
void transform(std::int64_t size, Out* out, F f, const In*... in) {
  parallel_for(size, elements_per_task, [=](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) out[i] = static_cast<Out>(f(in[i]...));
  });
}

/// values[i] = f(values[i], in[i]...), in parallel.
template <class T, class F, class... In>
void transform_in_place(std::int64_t size, T* values, F f, const In*... in) {
  parallel_for(size, elements_per_task, [=](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) values[i] = f(values[i], in[i]...);
  });
}

/// A broadcast of two operands as nested loops over merged axes: the innermost last, with strides of 0 or 1
/// there.
struct BroadcastLoops {
  BroadcastLoops(const Shape& out, const Shape& a, const Shape& b);

  std::size_t rank = 0;
  std::array<std::int64_t, Shape::max_rank> dims{}, a_strides{}, b_strides{};
  std::int64_t rows = 1, inner = 1;

  /// Where row r begins in the two operands.
  struct Offsets {
    std::int64_t a = 0, b = 0;
  };
  Offsets at(std::int64_t row) const;
};

/// out[i] = f(a[i], b[i]) where a stride of 0 repeats an element.
template <class T, class Out, class F>
void zip_loops(const BroadcastLoops& loops, Out* out, F f, const T* a, const T* b) {
  const bool a_repeats = loops.a_strides[loops.rank - 1] == 0,
             b_repeats = loops.b_strides[loops.rank - 1] == 0;
  const auto inner = loops.inner;
  parallel_for(loops.rows, at_least_one(elements_per_task / at_least_one(inner)),
               [&](std::int64_t first, std::int64_t last) {
                 for (auto row = first; row < last; ++row) {
                   const auto [a_at, b_at] = loops.at(row);
                   const T *const x = a + a_at, *const y = b + b_at;
                   Out* const to = out + row * inner;
                   if (a_repeats)
                     for (std::int64_t i = 0; i < inner; ++i) to[i] = static_cast<Out>(f(*x, y[i]));
                   else if (b_repeats)
                     for (std::int64_t i = 0; i < inner; ++i) to[i] = static_cast<Out>(f(x[i], *y));
                   else
                     for (std::int64_t i = 0; i < inner; ++i) to[i] = static_cast<Out>(f(x[i], y[i]));
                 }
               });
}

/// The operand as `rank` axes in the given order; shared where the bytes agree.
Array aligned(const Array& a, std::size_t rank, MemoryOrder order);

/// Two operands and the shape that both are broadcast to. They lie in the order of the first that already has
/// this shape: a scale of [1, C, 1, 1] must not turn an image around.
struct Broadcast {
  Broadcast(std::string_view op, const Array& first, const Array& second);

  Shape shape;
  MemoryOrder order;
  Array a, b;  ///< of the same rank
  BroadcastLoops loops() const;
};

/// f of two arrays of one shape, order and dtype; results of type Result (void: of that dtype).
template <class Result, class F>
Array zip_alike(F f, const Array& a, const Array& b) {
  return dispatch(a.dtype(), [&]<class T>() {
    using Out = std::conditional_t<std::is_void_v<Result>, T, Result>;
    Array out = Array::uninitialized(a.shape(), dtype_of<Out>, a.order());
    transform(out.size(), out.mutable_stored<Out>().data(), f, a.stored<T>().data(), b.stored<T>().data());
    return out;
  });
}

/// f of two arrays of any one dtype, broadcast; results of type Result (void: of that dtype).
template <class Result = void, class F>
Array zip_any(std::string_view op, F f, const Array& a, const Array& b) {
  check_same_dtype(op, a, b);
  if (a.shape() == b.shape() && a.order() == b.order()) return zip_alike<Result>(f, a, b);
  const Broadcast both(op, a, b);
  if (both.a.shape() == both.b.shape()) return zip_alike<Result>(f, both.a, both.b);
  return dispatch(a.dtype(), [&]<class T>() {
    using Out = std::conditional_t<std::is_void_v<Result>, T, Result>;
    Array out = Array::uninitialized(both.shape, dtype_of<Out>, both.order);
    zip_loops(both.loops(), out.mutable_stored<Out>().data(), f, both.a.stored<T>().data(),
              both.b.stored<T>().data());
    return out;
  });
}

/// f of every element of floating arrays of one shape. The result has the order of the first; the others
/// follow.
template <class F, class... Rest>
Array map(std::string_view op, F f, const Array& first, const Rest&... rest) {
  check_floating(op, first);
  (check_same_dtype(op, first, rest), ...);
  if (!(... && (rest.order() == first.order()))) return map(op, f, first, in_order(rest, first.order())...);
  Array out = Array::uninitialized(first.shape(), first.dtype(), first.order());
  dispatch_floating(first.dtype(), [&]<class T>() {
    transform(out.size(), out.mutable_stored<T>().data(), f, first.stored<T>().data(),
              rest.template stored<T>().data()...);
  });
  return out;
}
/// a[i] = f(a[i], rest[i]...) for floating arrays of one shape, dtype and order.
template <class F, class... Rest>
void map_in_place(F f, Array& a, const Rest&... rest) {
  dispatch_floating(a.dtype(), [&]<class T>() {
    transform_in_place(a.size(), a.mutable_stored<T>().data(), f, rest.template stored<T>().data()...);
  });
}
/// f of every element of an array of any dtype.
template <class F>
Array map_any(F f, const Array& a) {
  Array out = Array::uninitialized(a.shape(), a.dtype(), a.order());
  dispatch(a.dtype(), [&]<class T>() {
    transform(out.size(), out.mutable_stored<T>().data(), f, a.stored<T>().data());
  });
  return out;
}

/// A row-major array of value(i), a double; never in stored order, since what is drawn at random must not
/// depend on it.
template <class Value>
Array generate(const Shape& shape, DType dtype, Value value) {
  Array out = Array::uninitialized(shape, dtype);
  dispatch(dtype, [&]<class T>() {
    T* const to = out.mutable_data<T>().data();
    parallel_for(out.size(), 1024, [&](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) to[i] = convert<T>(value(static_cast<std::uint64_t>(i)));
    });
  });
  return out;
}

}  // namespace evenkeel::kernels
