#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/lines.h>
#include <evenkeel/core/kernels/moving.h>

namespace evenkeel::benchmarks {

void measure_moving() {
  for (const Shape& shape : {Shape{32, 64, 56, 56}, {128, 16, 32, 32}}) {
    const std::string name = text(shape);
    const Array rows = values(shape), channels = values(shape, MemoryOrder::channels_last);
    const Work both{.bytes = bytes_of(shape, 2)};
    measure({"in_order_channels_last", name}, both,
            [=] { keep(in_order(rows, MemoryOrder::channels_last)); });
    measure({"in_order_row_major", name}, both, [=] { keep(row_major(channels)); });
    measure({"permute_0213", name}, both, [=] { keep(kernels::permute(rows, {0, 2, 1, 3})); });
    measure({"slice_half", name}, {.bytes = bytes_of(shape, 1)},
            [=] { keep(kernels::slice(rows, 1, 0, shape[1] / 2)); });
    measure({"place_half", name}, {.bytes = bytes_of(shape, 1)},
            [whole = rows.clone(), part = kernels::slice(rows, 1, 0, shape[1] / 2)]() mutable {
              kernels::place(whole, part, 1, 0);
            });
    measure({"lines_along_channels", name}, both, [=] { keep(kernels::lines_along(rows, 1)); });
  }
}

}  // namespace evenkeel::benchmarks
