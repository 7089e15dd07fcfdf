#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/normalize_pool.h>
#include <evenkeel/core/kernels/pool.h>

namespace evenkeel::benchmarks {
namespace {

void measure_normalized(const std::string& name, const Array& x, const Array& dy, const Window& window,
                        double large, double small) {
  const Groups channels = groups_of_channels(x);
  const Normalization how{.moments = channels, .affine = channels, .order = x.order()};
  const Array gamma = values({channels.count}), beta = values({channels.count});
  measure({"normalize_max_pool2d", name}, {.bytes = large + small},
          [=] { keep(kernels::normalize_max_pool2d(x, gamma, beta, how, window).values); });
  const auto found = kernels::normalize_max_pool2d(x, gamma, beta, how, window);
  measure({"normalize_max_pool2d_backward", name}, {.bytes = 2 * large + small},
          [=] { keep(kernels::normalize_max_pool2d_backward(dy, found, x, gamma, how, window, {}).x); });
}

}  // namespace

void measure_pool() {
  const Window halves{.kernel = 2, .stride = 2};
  for (const Shape& shape : {Shape{32, 64, 56, 56}, {128, 16, 28, 28}})
    for (const auto order : both_orders) {
      const std::string name = joined({text(shape), text(order)});
      const Array x = values(shape, order);
      const kernels::MaxPool pooled = kernels::max_pool2d(x, halves);
      const Array dy = values(pooled.values.shape(), order), dot = values(shape.with(2, 1).with(3, 1), order);
      const double small = bytes_of(dy.shape(), 1), large = bytes_of(shape, 1), numbers = small / 4;
      measure({"max_pool2d", name}, {.bytes = large + small + numbers},
              [=] { keep(kernels::max_pool2d(x, halves).values); });
      measure({"max_pool2d_adjoint", name}, {.bytes = large + small + numbers},
              [=] { keep(kernels::max_pool2d_adjoint(dy, pooled.taps, shape, halves)); });
      measure({"max_pool2d_pick", name}, {.bytes = large + small + numbers},
              [=] { keep(kernels::max_pool2d_pick(x, pooled.taps, halves)); });
      measure_normalized(name, x, dy, halves, large, small);
      measure({"avg_pool2d", name}, {.bytes = large + small},
              [=] { keep(kernels::avg_pool2d(x, halves, true)); });
      measure({"avg_pool2d_adjoint", name}, {.bytes = large + small},
              [=] { keep(kernels::avg_pool2d_adjoint(dy, shape, halves, true)); });
      measure({"adaptive_avg_pool2d", name}, {.bytes = large},
              [=] { keep(kernels::adaptive_avg_pool2d(x, 1)); });
      measure({"adaptive_avg_pool2d_adjoint", name}, {.bytes = large},
              [=] { keep(kernels::adaptive_avg_pool2d_adjoint(dot, shape)); });
    }
}

}  // namespace evenkeel::benchmarks
