#include <evenkeel/benchmarks/roofline.h>
#include <evenkeel/core/kernels/simd.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <chrono>
#include <iomanip>
#include <memory>
#include <ostream>

namespace evenkeel::benchmarks {
namespace {

using Vector = kernels::simd::Vector<float>;
constexpr auto lanes = kernels::simd::lanes<float>;
constexpr int accumulators = lanes == 16 ? 24 : 12;
#ifdef __AVX512F__
#define EVENKEEL_ANY_VECTOR_REGISTER "+v"  // "+x" means the first 16 alone
#else
#define EVENKEEL_ANY_VECTOR_REGISTER "+x"
#endif

/// Runs body(begin, end) over [0, n) in one piece for each thread.
void on_threads(std::int64_t n, int threads, FunctionRef<void(std::int64_t, std::int64_t)> body) {
  set_num_threads(threads);
  parallel_for(n, ceil_div(n, threads), body);
  set_num_threads(0);
}

/// The shortest of some runs, in seconds: a roof is what the machine reaches undisturbed.
double shortest(int runs, FunctionRef<void()> run) {
  double best = 1e9;
  for (int i = 0; i < runs; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

/// So many independent chains of FMAs that neither latency nor loads show. Returns the number of operations.
std::int64_t chains(std::int64_t rounds, float* result) {
  Vector sums[accumulators];
  const Vector factor = Vector{} + .999F, term = Vector{} + result[0];
#pragma GCC unroll 24
  for (int i = 0; i < accumulators; ++i) sums[i] = Vector{} + static_cast<float>(i);
  for (std::int64_t round = 0; round < rounds; ++round)
#pragma GCC unroll 24
    for (int i = 0; i < accumulators; ++i) {
      sums[i] = kernels::simd::multiply_add(sums[i], factor, term);
      asm("" : EVENKEEL_ANY_VECTOR_REGISTER(sums[i]));  // so that no round is merged with the next
    }
#pragma GCC unroll 24  // all three loops, or the sums would lie in memory
  for (int i = 0; i < accumulators; ++i) result[0] += sums[i][0];
  return rounds * accumulators * lanes * 2;
}

}  // namespace

Roofline measure_roofline(int threads) {
  constexpr std::int64_t size = 16 << 20;  // 64 MiB each
  const auto a = std::make_unique_for_overwrite<float[]>(size), b = std::make_unique<float[]>(size),
             c = std::make_unique<float[]>(size);
  const auto copy = [&](std::int64_t begin, std::int64_t end) {
    std::copy(&b[0] + begin, &b[0] + end, &a[0] + begin);
  };
  const auto triad = [&](std::int64_t begin, std::int64_t end) {
    float* const to = a.get();
    const float *const x = b.get(), *const y = c.get();
    for (auto i = begin; i < end; ++i) to[i] = x[i] + 3 * y[i];
  };
  constexpr std::int64_t rounds = 400'000;
  float results[64 * 16] = {};
  const auto fma = [&](std::int64_t begin, std::int64_t) { chains(rounds, results + begin % 64 * 16); };
  constexpr double bytes = sizeof(float) * static_cast<double>(size);
  const double flops = 2.0 * rounds * accumulators * lanes * threads;
  return {.threads = threads,
          .copy = 2 * bytes / shortest(9, [&] { on_threads(size, threads, copy); }) * 1e-9,
          .triad = 3 * bytes / shortest(9, [&] { on_threads(size, threads, triad); }) * 1e-9,
          .fma = flops / shortest(9, [&] { on_threads(threads, threads, fma); }) * 1e-9};
}

std::ostream& operator<<(std::ostream& os, const Roofline& roofline) {
  return os << std::fixed << std::setprecision(1) << roofline.threads << " threads: copy " << roofline.copy
            << " GB/s, triad " << roofline.triad << " GB/s, FMA " << roofline.fma << " GFLOP/s (float32)";
}

}  // namespace evenkeel::benchmarks
