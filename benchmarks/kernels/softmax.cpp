#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/cross_entropy.h>
#include <evenkeel/core/kernels/softmax.h>

namespace evenkeel::benchmarks {

void measure_softmax() {
  for (const Shape& shape : {Shape{128, 10}, {4096, 1000}}) {
    const std::string name = text(shape);
    const Array x = values(shape), grad = values(shape), y = kernels::softmax(x),
                log_y = kernels::log_softmax(x);
    const Work two{.bytes = bytes_of(shape, 2)}, three{.bytes = bytes_of(shape, 3)};
    measure({"softmax", name}, two, [=] { keep(kernels::softmax(x)); });
    measure({"softmax_backward", name}, three, [=] { keep(kernels::softmax_backward(grad, y)); });
    measure({"log_softmax", name}, two, [=] { keep(kernels::log_softmax(x)); });
    measure({"log_softmax_backward", name}, three, [=] { keep(kernels::log_softmax_backward(grad, log_y)); });

    const Tensor classes = to(rand({shape[0]}) * static_cast<double>(shape[1]), DType::int64);
    const kernels::ClassTargets targets{.target = classes.value(), .weight = {}};
    const Array one = Array::from(std::vector<float>{1}, {});
    const Array log_sums = kernels::cross_entropy(x, targets).log_sums;
    measure({"cross_entropy", name}, {.bytes = bytes_of(shape, 1)},
            [=] { keep(kernels::cross_entropy(x, targets).losses); });
    measure({"cross_entropy_backward", name}, two, [=] {
      keep(kernels::cross_entropy_backward(one, 1.0 / static_cast<double>(shape[0]), x, log_sums, targets));
    });
  }
}

}  // namespace evenkeel::benchmarks
