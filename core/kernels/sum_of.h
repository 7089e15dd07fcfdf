#pragma once

#include <evenkeel/core/parallel.h>

#include <array>
#include <numeric>
#include <vector>

namespace evenkeel::kernels {

/// The sum of f(in[i]...) in double, in parallel: pieces and order follow from the size alone.
template <class F, class... In>
double sum_of(std::int64_t size, F f, const In*... in) {
  std::vector<double> pieces(static_cast<std::size_t>(ceil_div(size, elements_per_task)));
  parallel_for(size, elements_per_task, [&](std::int64_t begin, std::int64_t end) {
    std::array<double, 8> lanes{};
    auto i = begin;
    for (; i + 8 <= end; i += 8)
      for (std::int64_t lane = 0; lane < 8; ++lane)
        lanes[static_cast<std::size_t>(lane)] += f(static_cast<double>(in[i + lane])...);
    for (; i < end; ++i) lanes[0] += f(static_cast<double>(in[i])...);
    pieces[static_cast<std::size_t>(begin / elements_per_task)] =
        std::accumulate(lanes.begin(), lanes.end(), 0.0);
  });
  return std::accumulate(pieces.begin(), pieces.end(), 0.0);
}

}  // namespace evenkeel::kernels
