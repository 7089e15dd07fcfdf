#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/conv.h>

namespace evenkeel::benchmarks {
namespace {

struct Case {
  Shape x;
  std::int64_t outputs, groups;
  Window window;
};

/// 2 flops for each tap, input channel and element of the output.
double flops_of(const Convolution& conv) {
  return 2.0 * static_cast<double>(conv.shape(Convolution::output).count() *
                                   conv.shape(Convolution::weight).count(1));
}

void measure_case(const Case& each, const std::string& algorithm_name, Conv2dAlgorithm algorithm) {
  const auto& [shape, outputs, groups, window] = each;
  const Convolution conv{{shape, Shape{outputs, shape[1] / groups, window.kernel.height, window.kernel.width},
                          window.output("conv2d", shape, outputs)},
                         window,
                         algorithm};
  const Array x = values(shape, MemoryOrder::channels_last), weight = values(conv.shape(Convolution::weight)),
              dy = values(conv.shape(Convolution::output), MemoryOrder::channels_last);
  const auto number = [](std::int64_t n) { return std::to_string(n); };
  const std::string name =
      joined({text(shape), "to:" + number(outputs), "kernel:" + number(window.kernel.height),
              "stride:" + number(window.stride.height), "groups:" + number(groups), algorithm_name});
  const Work work{.flops = flops_of(conv)};
  measure({"conv2d", name}, work, [=] { keep(kernels::conv2d(x, weight, {}, conv)); });
  measure({"conv2d_input", name}, work, [=] { keep(kernels::conv2d_input(dy, weight, conv)); });
  measure({"conv2d_weight", name}, work, [=] { keep(kernels::conv2d_weight(x, dy, conv)); });
}

}  // namespace

void measure_convolution() {
  const Window same{.kernel = 3, .padding = 1}, strided{.kernel = 3, .stride = 2, .padding = 1};
  for (const Case& each : {Case{{32, 64, 56, 56}, 64, 1, same},
                           {{128, 16, 32, 32}, 16, 1, same},
                           {{128, 32, 16, 16}, 32, 1, same},
                           {{128, 64, 8, 8}, 64, 1, same},
                           {{32, 12, 28, 28}, 20, 1, same},
                           {{32, 24, 28, 28}, 40, 1, same},
                           {{32, 100, 28, 28}, 100, 1, same}}) {
    measure_case(each, "automatic", Conv2dAlgorithm::automatic);
    measure_case(each, "accurate", Conv2dAlgorithm::accurate);
    measure_case(each, "direct", Conv2dAlgorithm::direct);
  }
  for (const Case& each : {Case{{128, 3, 32, 32}, 16, 1, same},
                           {{128, 16, 32, 32}, 32, 1, strided},
                           {{128, 32, 16, 16}, 32, 1, strided},
                           {{32, 64, 56, 56}, 128, 1, {.kernel = 1}},
                           {{32, 64, 56, 56}, 64, 64, same},
                           {{128, 1, 28, 28}, 16, 1, {.kernel = 5, .padding = 2}},
                           {{128, 16, 14, 14}, 32, 1, {.kernel = 5, .padding = 2}}})
    measure_case(each, "automatic", Conv2dAlgorithm::automatic);
}

}  // namespace evenkeel::benchmarks
