#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/pool.h>

namespace evenkeel::benchmarks {

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
