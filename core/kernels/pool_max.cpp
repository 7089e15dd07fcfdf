// Maximum pooling. What the backward needs of an output is which of its taps was the largest: a byte, where
// windows are no larger than 256 elements, instead of a position.

#include <evenkeel/core/kernels/pool.h>
#include <evenkeel/core/kernels/pool_runs.h>
#include <evenkeel/core/kernels/simd.h>

#include <algorithm>
#include <limits>

namespace evenkeel::kernels {
namespace {

using simd::NumberOf;
using simd::Numbers;  // of taps: what compares values chooses them too
using simd::Vector;

/// from[0], from[spacing], from[2 * spacing], ..., and nothing beyond the last one.
template <Index spacing, class T>
[[gnu::always_inline]] inline Vector<T> load_spaced(const T* from) {
  constexpr auto n = simd::lanes<T>;
  if constexpr (spacing == 1) return simd::load(from);
  const Vector<T> front = simd::load(from), back = simd::load(from + n - 1);
  return [&]<int... lane>(std::integer_sequence<int, lane...>) {
    return __builtin_shufflevector(front, back, (2 * lane < n ? 2 * lane : 2 * lane + 1)...);
  }
  (std::make_integer_sequence<int, static_cast<int>(n)>());
}

/// The maxima of a vector of lanes, and the taps where they were found.
template <Index spacing, class T>
[[gnu::always_inline]] inline void max_of_vector(const Pooling& p, const Run& run, const T* from, T* most,
                                                 std::uint8_t* found) {
  Vector<T> best = load_spaced<spacing>(from);
  Numbers<T> at{};
  for_each_further_tap(p, run, [&](Index tap, Index number) {
    const auto value = load_spaced<spacing>(from + tap);
    const Numbers<T> wins = (value > best) | (value != value);
    best = wins ? value : best;
    at = wins ? Numbers<T>{} + static_cast<NumberOf<T>>(number) : at;
  });
  simd::store(most, best);
  simd::store_bytes(at, found);
}
template <class T, class Tap>
void max_of_lane(const Pooling& p, const Run& run, const T* from, T& most, Tap& found) {
  T best = *from;
  Index at = 0;
  for_each_tap(p, run, [&](Index tap, Index number) {
    const T value = from[tap];
    if (value > best || value != value) {
      best = value;
      at = number;
    }
  });
  most = best;
  found = static_cast<Tap>(at);
}

template <class T>
[[gnu::always_inline]] inline void max_of_vector(const Pooling& p, const Run& run, const T* from, Index lane,
                                                 T* most, std::uint8_t* found) {
  if (run.spacing == 1)
    max_of_vector<1>(p, run, from + lane, most, found);
  else
    max_of_vector<2>(p, run, from + 2 * lane, most, found);
}
/// Whether vectors read a run's taps; those of a run shorter than a vector read on behind it.
template <class T>
bool can_load_vectors(const Pooling& p, const Run& run) {
  constexpr auto n = simd::lanes<T>;
  const auto last_tap = (run.rows.count - 1) * p.row_step() + (run.columns.count - 1) * p.column_step(),
             end = run.from + last_tap + run.spacing * (n - 1) + 1;
  return (run.spacing == 1 || run.spacing == 2) &&
         (run.lanes >= n || end <= p.from.images * p.from.image_size());
}

template <class T, class Tap>
void max_of_runs(const Pooling& p, const T* x, T* values, Tap* taps) {
  constexpr auto n = simd::lanes<T>;
  for_each_run(p, [&](const Run& run) {
    const T* const from = x + run.from;
    T* const most = values + run.to;
    Tap* const found = taps + run.to;
    if constexpr (sizeof(Tap) == 1)
      if (can_load_vectors<T>(p, run)) {
        T some[n];
        std::uint8_t some_found[n];
        if (run.lanes < n) {
          max_of_vector(p, run, from, 0, some, some_found);
          std::copy_n(some, run.lanes, most);
          std::copy_n(some_found, run.lanes, found);
        }
        for (Index i = 0; run.lanes >= n && i < run.lanes; i += n) {
          const auto lane = std::min(i, run.lanes - n);
          max_of_vector(p, run, from, lane, most + lane, found + lane);
        }
        return;
      }
    for (Index i = 0; i < run.lanes; ++i) max_of_lane(p, run, from + i * run.spacing, most[i], found[i]);
  });
}

/// What the outputs of a run give back to their taps. Copies, since stores to dx might overwrite bytes
/// elsewhere.
template <class T, class Number>
struct GradientOfMaxima {
  template <class Tap>
  GradientOfMaxima(const T* dy, const Tap* taps, Index lanes) {
    for (Index i = 0; i < lanes; ++i) {
      gradient[i] = dy[i];
      found[i] = static_cast<Number>(taps[i]);
    }
  }
  T operator()(Index tap, Index lane) const {
    return found[lane] == static_cast<Number>(tap) ? gradient[lane] : T{0};
  }
  T gradient[run_length];
  Number found[run_length];
};

/// The same for a vector of neighbouring outputs.
template <class T>
struct VectorOfMaxima {
  Vector<T> gradient;
  Numbers<T> found;
  Vector<T> operator()(Index tap) const {
    return found == Numbers<T>{} + static_cast<NumberOf<T>>(tap) ? gradient : Vector<T>{};
  }
};

template <class T, class Tap>
void give_back(const Pooling& p, const T* dy, const Tap* taps, T* dx) {
  const auto shares_of = [=](const Run& run) {
    return GradientOfMaxima<T, std::conditional_t<sizeof(Tap) == 1, NumberOf<T>, Index>>(
        dy + run.to, taps + run.to, run.lanes);
  };
  if constexpr (sizeof(Tap) == 1)
    pooling_adjoint(p, dx, shares_of, [=](const Run& run, Index lane) {
      return VectorOfMaxima<T>{simd::load(dy + run.to + lane), simd::load_bytes<T>(taps + run.to + lane)};
    });
  else
    pooling_adjoint(p, dx, shares_of, NoVectors());
}

template <class T, class Tap>
void pick(const Pooling& p, const T* x, const Tap* taps, T* y) {
  for_each_run(p, [&](const Run& run) {
    for_each_tap(p, run, [&](Index tap, Index number) {
      for (Index i = 0; i < run.lanes; ++i)
        if (static_cast<Index>(taps[run.to + i]) == number)
          y[run.to + i] = x[run.from + tap + i * run.spacing];
    });
  });
}

/// body(numbers of taps) by their type.
template <class Body>
void with_taps(const Array& taps, Body body) {
  if (taps.dtype() == DType::uint8)
    body(taps.stored<std::uint8_t>().data());
  else
    body(taps.stored<Index>().data());
}

}  // namespace

MaxPool max_pool2d(const Array& x, const Window& window) {
  const Shape to = window.output("max_pool2d", x.shape(), x.shape()[1]);
  check_padding("max_pool2d", window);
  if (to.count() == 0 && x.shape().count(2) > 0)
    return {Array(to, x.dtype(), x.order()), Array(to, DType::uint8, x.order())};
  const Pooling p = sliding(x.shape(), to, x.order(), window, false);
  check(!p.rows.has_empty() && !p.columns.has_empty(),
        "max_pool2d: a window lies wholly in the padding of input ", x.shape(), ": kernel_size ",
        window.kernel, ", stride ", window.stride, ", padding ", window.padding, ", dilation ",
        window.dilation, "; use less padding or dilation");
  const bool bytes = p.rows.most_taps() * p.columns.most_taps() <= 256;
  MaxPool result{Array::uninitialized(to, x.dtype(), x.order()),
                 Array::uninitialized(to, bytes ? DType::uint8 : DType::int64, x.order())};
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const from = x.stored<T>().data();
    T* const values = result.values.mutable_stored<T>().data();
    if (bytes)
      max_of_runs(p, from, values, result.taps.mutable_stored<std::uint8_t>().data());
    else
      max_of_runs(p, from, values, result.taps.mutable_stored<Index>().data());
  });
  return result;
}

Array max_pool2d_adjoint(const Array& grad, const Array& taps, const Shape& shape, const Window& window) {
  const Array dy = in_order(grad, taps.order());
  if (dy.size() == 0) return Array(shape, dy.dtype(), dy.order());
  Array dx = Array::uninitialized(shape, dy.dtype(), dy.order());
  const Pooling p = sliding(shape, dy.shape(), dy.order(), window, false);
  dispatch_floating(dy.dtype(), [&]<class T>() {
    with_taps(taps, [&](const auto* tap) {
      give_back(p, dy.stored<T>().data(), tap, dx.mutable_stored<T>().data());
    });
  });
  return dx;
}

Array max_pool2d_pick(const Array& images, const Array& taps, const Window& window) {
  const Array x = in_order(images, taps.order());
  Array y = Array::uninitialized(taps.shape(), x.dtype(), x.order());
  if (y.size() == 0) return y;
  const Pooling p = sliding(x.shape(), y.shape(), x.order(), window, false);
  dispatch_floating(x.dtype(), [&]<class T>() {
    with_taps(taps,
              [&](const auto* tap) { pick(p, x.stored<T>().data(), tap, y.mutable_stored<T>().data()); });
  });
  return y;
}

}  // namespace evenkeel::kernels
