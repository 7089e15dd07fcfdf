#pragma once
/// What this machine can do at most: no kernel computes faster than its FMAs, and none moves memory faster
/// than a plain loop over arrays that no cache holds.

#include <iosfwd>

namespace evenkeel::benchmarks {

struct Roofline {
  int threads;
  double copy, triad;  ///< GB/s, counting each array once: a[i] = b[i], a[i] = b[i] + 3 c[i]
  double fma;          ///< float32 GFLOP/s
};
/// Measures for so many threads; takes about a second.
Roofline measure_roofline(int threads);
std::ostream& operator<<(std::ostream& os, const Roofline& roofline);

}  // namespace evenkeel::benchmarks
