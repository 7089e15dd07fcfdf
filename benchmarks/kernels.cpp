// Micro-benchmarks of every kernel, below the measured roof of this machine. Options are google-benchmark's:
// --benchmark_filter=conv2d, --benchmark_repetitions=5, --benchmark_format=json.

#include <benchmark/benchmark.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/benchmarks/roofline.h>
#include <evenkeel/core/build_info.h>
#include <evenkeel/core/parallel.h>

#include <iostream>
#include <sstream>

namespace evenkeel::benchmarks {

void measure(std::initializer_list<std::string> name, Work work, std::function<void()> run) {
  using benchmark::Counter;
  for (const int threads : {1, num_threads()}) {
    const auto body = [=](benchmark::State& state) {
      set_num_threads(threads);
      for (auto _ : state) run();
      set_num_threads(0);
      const auto rate = [](double amount) {
        return Counter(amount * 1e-9, Counter::kIsIterationInvariantRate);
      };
      if (work.flops > 0) state.counters["GFLOP"] = rate(work.flops);
      if (work.bytes > 0) state.counters["GB"] = rate(work.bytes);
    };
    const std::string full = joined({joined(name), "threads:" + std::to_string(threads)});
    benchmark::RegisterBenchmark(full.c_str(), body)->UseRealTime()->Unit(benchmark::kMicrosecond);
    if (num_threads() == 1) break;
  }
}

void keep(const Array& result) { benchmark::DoNotOptimize(result.bytes().data()); }

Array values(const Shape& shape, MemoryOrder order) { return in_order(randn(shape).value(), order); }

std::string joined(std::initializer_list<std::string> parts) {
  std::ostringstream os;
  for (const auto& part : parts) os << (&part == parts.begin() ? "" : "/") << part;
  return os.str();
}

std::string text(const Shape& shape) {
  std::ostringstream os;
  for (std::size_t axis = 0; axis < shape.rank(); ++axis) os << (axis > 0 ? "x" : "") << shape[axis];
  return os.str();
}

double bytes_of(const Shape& shape, int arrays) {
  return static_cast<double>(shape.count()) * static_cast<double>(sizeof(float)) * arrays;
}

}  // namespace evenkeel::benchmarks

int main(int argc, char** argv) {
  using namespace evenkeel;
  using namespace evenkeel::benchmarks;
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  const BuildInfo info = build_info();
  std::cerr << "Evenkeel " << info.version << ", " << info.compiler << ", " << info.isa << '\n'
            << "roof of " << measure_roofline(1) << '\n';
  if (info.threads > 1) std::cerr << "roof of " << measure_roofline(info.threads) << '\n';
  for (const auto measure_file : {measure_convolution, measure_elementwise, measure_matmul, measure_moving,
                                  measure_normalize, measure_pool, measure_reduce, measure_softmax})
    measure_file();
  benchmark::RunSpecifiedBenchmarks();
}
