#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/update.h>

#include <cmath>

namespace evenkeel::benchmarks {

void measure_elementwise() {
  const auto larger_of_0 = [](auto v) { return v < 0 ? decltype(v){} : v; };
  const auto plus = [](auto a, auto b) { return a + b; };
  for (const Shape& shape : {Shape{32, 64, 56, 56}, {128, 64, 8, 8}, {64, 512}}) {
    const Array a = values(shape), b = values(shape);
    const std::string name = text(shape);
    measure({"map", name}, {.bytes = bytes_of(shape, 2)},
            [=] { keep(kernels::map("relu", larger_of_0, a)); });
    measure({"zip_any", name}, {.bytes = bytes_of(shape, 3)},
            [=] { keep(kernels::zip_any("add", plus, a, b)); });
    measure({"add_in_place", name}, {.bytes = bytes_of(shape, 3)},
            [sum = a.clone(), b]() mutable { kernels::add_in_place(sum, b); });
    measure({"full", name}, {.bytes = bytes_of(shape, 1)},
            [=] { keep(kernels::full(shape, DType::float32, 1)); });
    measure({"cast_to_float64", name}, {.bytes = bytes_of(shape, 3)},
            [=] { keep(kernels::cast(a, DType::float64)); });
  }
  const Shape image{32, 64, 56, 56};
  const Array x = values(image), channels = values({1, 64, 1, 1});
  measure({"zip_any_broadcast", text(image)}, {.bytes = bytes_of(image, 2)},
          [=] { keep(kernels::zip_any("add", plus, x, channels)); });
  measure({"expand", text(image)}, {.bytes = bytes_of(image, 1)},
          [=] { keep(kernels::expand(channels, image, MemoryOrder::row_major)); });

  const Shape parameters{1 << 20};
  const Array grad = values(parameters);
  const Array one = values(parameters), two = values(parameters),
              three = kernels::full(parameters, DType::float32, 1);
  measure({"sgd_step", text(parameters)}, {.bytes = bytes_of(parameters, 5)},
          [grad, value = one.clone(), velocity = two.clone()]() mutable {
            kernels::sgd_step(value, velocity, grad, {.lr = 1e-3, .momentum = 0.9, .weight_decay = 5e-4});
          });
  measure({"adam_step", text(parameters)}, {.bytes = bytes_of(parameters, 7)},
          [grad, value = one.clone(), mean = two.clone(), square = three.clone()]() mutable {
            kernels::adam_step(value, mean, square, nullptr, grad,
                               {.step_size = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8});
          });
}

}  // namespace evenkeel::benchmarks
