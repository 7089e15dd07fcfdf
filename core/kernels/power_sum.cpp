#include <evenkeel/core/kernels/power_sum.h>
#include <evenkeel/core/parallel.h>

#include <array>
#include <cmath>
#include <vector>

namespace evenkeel::kernels {
namespace {

/// Combines the terms of all elements: in 8 lanes that the compiler can keep in a vector, tile by tile.
template <class T, class Term, class Combine>
double fold(const T* values, std::int64_t size, Term term, Combine combine) {
  std::vector<double> tiles(static_cast<std::size_t>(ceil_div(size, elements_per_task)));
  parallel_for(size, elements_per_task, [&](std::int64_t begin, std::int64_t end) {
    std::array<double, 8> lanes{};
    const T *from = values + begin, *const last = values + end;
    for (; last - from >= 8; from += 8)
      for (std::size_t lane = 0; lane < 8; ++lane)
        lanes[lane] = combine(lanes[lane], term(static_cast<double>(from[lane])));
    for (std::size_t lane = 0; from != last; ++from, ++lane)
      lanes[lane] = combine(lanes[lane], term(static_cast<double>(*from)));
    double& tile = tiles[static_cast<std::size_t>(begin / elements_per_task)];
    for (const double lane : lanes) tile = combine(tile, lane);
  });
  double total = 0;
  for (const double tile : tiles) total = combine(total, tile);
  return total;
}

}  // namespace

double power_sum(const Array& a, double p) {
  const auto add = [](double x, double y) { return x + y; };
  const auto larger = [](double x, double y) { return x > y || x != x ? x : y; };
  return dispatch_floating(a.dtype(), [&]<class T>() {
    const auto sum = [&](auto term, auto combine) {
      return fold(a.data<T>().data(), a.size(), term, combine);
    };
    if (std::isinf(p)) return sum([](double x) { return std::abs(x); }, larger);
    if (p == 1) return sum([](double x) { return std::abs(x); }, add);
    if (p == 2) return sum([](double x) { return x * x; }, add);
    return sum([p](double x) { return std::pow(std::abs(x), p); }, add);
  });
}

}  // namespace evenkeel::kernels
