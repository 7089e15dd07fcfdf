#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/matmul.h>

namespace evenkeel::benchmarks {

void measure_matmul() {
  struct Case {
    std::int64_t rows, inner, columns;
  };
  for (const auto& [rows, inner, columns] :
       {Case{128, 1568, 128}, {512, 512, 512}, {1, 1568, 128}, {4, 2, 16}, {4096, 64, 10}}) {
    const std::string name = text({rows, inner, columns});
    const Work work{.flops = 2.0 * static_cast<double>(rows * inner * columns)};
    const Array x = values({rows, inner}), weight = values({columns, inner}), bias = values({columns}),
                dy = values({rows, columns});
    measure({"linear", name}, work, [=] { keep(kernels::linear(x, weight, bias)); });
    measure({"matmul_input_gradient", name}, work, [=] { keep(kernels::matmul(dy, weight)); });
    measure({"matmul_weight_gradient", name}, work,
            [=] { keep(kernels::matmul(dy, x, {.transpose_a = true})); });
  }
  const Array a = values({32, 64, 64}), b = values({32, 64, 64});
  measure({"matmul_of_stacks", "32x64x64x64"}, {.flops = 2.0 * 32 * 64 * 64 * 64},
          [=] { keep(kernels::matmul(a, b)); });
}

}  // namespace evenkeel::benchmarks
