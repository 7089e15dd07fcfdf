#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/power_sum.h>
#include <evenkeel/core/kernels/reduce.h>

#include <benchmark/benchmark.h>

namespace evenkeel::benchmarks {

void measure_reduce() {
  const Shape shape{32, 64, 56, 56};
  const Work one{.bytes = bytes_of(shape, 1)};
  for (const auto order : both_orders) {
    const std::string name = joined({text(shape), text(order)});
    const Array x = values(shape, order);
    const Groups channels = groups_of_channels(x);
    const Array sums = kernels::group_sum(x, channels);
    measure({"group_sum", name}, one, [=] { keep(kernels::group_sum(x, channels)); });
    measure({"spread", name}, one, [=] { keep(kernels::spread(sums, channels, shape, order)); });
    measure({"sum_to_scalar", name}, one, [=] { keep(kernels::sum_to(x, {1, 1, 1, 1})); });
    measure({"max_to_channels", name}, one, [=] {
      keep(kernels::extreme_to(x, {1, 64, 1, 1}, kernels::Extreme::max));
    });
  }
  const Array scores = values({4096, 1000}), x = values(shape);
  measure({"arg_max", "4096x1000"}, {.bytes = bytes_of(scores.shape(), 1)},
          [=] { keep(kernels::arg_extreme(scores, 1, kernels::Extreme::max)); });
  measure({"power_sum", text(shape)}, one, [=] { benchmark::DoNotOptimize(kernels::power_sum(x, 2)); });
}

}  // namespace evenkeel::benchmarks
