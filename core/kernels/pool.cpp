// Mean pooling.

#include <evenkeel/core/kernels/pool.h>
#include <evenkeel/core/kernels/pool_runs.h>
#include <evenkeel/core/kernels/simd.h>

namespace evenkeel::kernels {
namespace {

/// 1 where there are no taps.
Index divisor_of(const Run& run) {
  const bool empty = run.rows.count == 0 || run.columns.count == 0;
  return empty ? 1 : run.rows.divisor * run.columns.divisor;
}

/// Means over the taps, summed in double.
template <class T>
void means(const Pooling& p, const T* x, T* y) {
  for_each_run(p, [&](const Run& run) {
    with_spacing(run.spacing, [&](auto spacing) {
      double sums[run_length] = {};
      for_each_tap(p, run, [&](Index tap, Index) {
        const T* const from = x + run.from + tap;
        for (Index i = 0; i < run.lanes; ++i) sums[i] += static_cast<double>(from[i * spacing]);
      });
      const auto divisor = static_cast<double>(divisor_of(run));
      for (Index i = 0; i < run.lanes; ++i) y[run.to + i] = static_cast<T>(sums[i] / divisor);
    });
  });
}

/// The adjoint: every output of a run gives each of its taps the same.
template <class T>
struct SharesOfMeans {
  SharesOfMeans(const Run& run, const T* dy) {
    const auto divisor = static_cast<T>(divisor_of(run));
    for (Index i = 0; i < run.lanes; ++i) shares[i] = dy[run.to + i] / divisor;
  }
  T operator()(Index, Index lane) const { return shares[lane]; }
  T shares[run_length];
};

template <class T>
void means_adjoint(const Pooling& p, const T* dy, T* dx) {
  pooling_adjoint(
      p, dx, [=](const Run& run) { return SharesOfMeans<T>(run, dy); },
      [=](const Run& run, Index lane) {
        const auto share = simd::load(dy + run.to + lane) / static_cast<T>(divisor_of(run));
        return [=](Index) { return share; };
      });
}

Array mean_pool(const Array& x, const Shape& to, const Pooling& pooling) {
  Array y = Array::uninitialized(to, x.dtype(), x.order());
  dispatch_floating(x.dtype(),
                    [&]<class T>() { means(pooling, x.stored<T>().data(), y.mutable_stored<T>().data()); });
  return y;
}

Array mean_pool_adjoint(const Array& dy, const Shape& from, const Pooling& pooling) {
  Array dx = Array::uninitialized(from, dy.dtype(), dy.order());
  dispatch_floating(dy.dtype(), [&]<class T>() {
    means_adjoint(pooling, dy.stored<T>().data(), dx.mutable_stored<T>().data());
  });
  return dx;
}

}  // namespace

Array avg_pool2d(const Array& x, const Window& window, bool count_include_pad) {
  const Shape to = window.output("avg_pool2d", x.shape(), x.shape()[1]);
  check_padding("avg_pool2d", window);
  if (to.count() == 0) return Array(to, x.dtype(), x.order());
  return mean_pool(x, to, sliding(x.shape(), to, x.order(), window, count_include_pad));
}

Array avg_pool2d_adjoint(const Array& dy, const Shape& shape, const Window& window, bool count_include_pad) {
  if (dy.size() == 0) return Array(shape, dy.dtype(), dy.order());
  return mean_pool_adjoint(dy, shape, sliding(shape, dy.shape(), dy.order(), window, count_include_pad));
}

Array adaptive_avg_pool2d(const Array& x, Size2 output_size) {
  const Shape& from = x.shape();
  check(from[2] > 0 && from[3] > 0, "adaptive_avg_pool2d: expected images of at least one pixel, got ", from);
  check(output_size.height >= 0 && output_size.width >= 0,
        "adaptive_avg_pool2d: output_size must not be negative, got ", output_size);
  const Shape to{from[0], from[1], output_size.height, output_size.width};
  if (to.count() == 0) return Array(to, x.dtype(), x.order());
  return mean_pool(x, to, cells(from, to, x.order()));
}

Array adaptive_avg_pool2d_adjoint(const Array& dy, const Shape& shape) {
  if (dy.size() == 0) return Array(shape, dy.dtype(), dy.order());
  return mean_pool_adjoint(dy, shape, cells(shape, dy.shape(), dy.order()));
}

}  // namespace evenkeel::kernels
