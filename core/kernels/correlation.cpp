#include <evenkeel/core/kernels/correlation.h>

#include <algorithm>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;

struct AxisTap {
  Index offset, weight;
};
/// A phase along one axis.
struct AxisPhase {
  Index first, count;
  std::vector<AxisTap> taps;
};

AxisPhase forward_phase(Index outputs, Index kernel, Index padding, Index dilation) {
  AxisPhase phase{0, outputs, {}};
  for (Index k = 0; k < kernel; ++k) phase.taps.push_back({k * dilation - padding, k});
  return phase;
}

/// Input i takes part in output (i + padding - k * dilation) / stride wherever that is whole.
std::vector<AxisPhase> backward_phases(Index inputs, Index kernel, Index stride, Index padding,
                                       Index dilation) {
  std::vector<AxisPhase> phases;
  for (Index first = 0; first < std::min(stride, inputs); ++first) {
    AxisPhase phase{first, ceil_div(inputs - first, stride), {}};
    for (Index k = kernel; k-- > 0;)
      if (const auto at = first + padding - k * dilation; at % stride == 0)
        phase.taps.push_back({at / stride, k});
    if (!phase.taps.empty()) phases.push_back(std::move(phase));
  }
  return phases;
}

Phase product(const AxisPhase& vertical, const AxisPhase& horizontal, Index kernel_width) {
  Phase phase{vertical.first, horizontal.first, vertical.count, horizontal.count, {}};
  for (const AxisTap& v : vertical.taps)
    for (const AxisTap& h : horizontal.taps)
      phase.taps.push_back({v.offset, h.offset, v.weight * kernel_width + h.weight});
  return phase;
}

Reach reach(Index step, const std::vector<AxisPhase>& phases) {
  if (phases.empty()) return {step, 0, 0};
  Reach all{step, phases.front().taps.front().offset, phases.front().taps.back().offset};
  for (const AxisPhase& phase : phases) {
    all.low = std::min(all.low, phase.taps.front().offset);
    all.high = std::max(all.high, phase.taps.back().offset);
  }
  return all;
}

Correlation correlation(const Shape& from, const Shape& to, Size2 step, Size2 spread, Index groups,
                        const std::vector<AxisPhase>& vertical, const std::vector<AxisPhase>& horizontal,
                        Index kernel_width) {
  Correlation all{from,
                  to,
                  step,
                  spread,
                  groups,
                  {},
                  static_cast<Index>(vertical.size()) == std::min(spread.height, to[2]) &&
                      static_cast<Index>(horizontal.size()) == std::min(spread.width, to[3]),
                  reach(step.height, vertical),
                  reach(step.width, horizontal)};
  for (const AxisPhase& v : vertical)
    for (const AxisPhase& h : horizontal) all.phases.push_back(product(v, h, kernel_width));
  return all;
}

}  // namespace

Correlation correlation_of_output(const Convolution& conv) {
  const auto& w = conv.window;
  const Shape& y = conv.shape(Convolution::output);
  return correlation(conv.shape(Convolution::input), y, w.stride, 1, conv.groups(),
                     {forward_phase(y[2], w.kernel.height, w.padding.height, w.dilation.height)},
                     {forward_phase(y[3], w.kernel.width, w.padding.width, w.dilation.width)},
                     w.kernel.width);
}

Correlation correlation_of_input(const Convolution& conv) {
  const auto& w = conv.window;
  const Shape& x = conv.shape(Convolution::input);
  return correlation(
      conv.shape(Convolution::output), x, 1, w.stride, conv.groups(),
      backward_phases(x[2], w.kernel.height, w.stride.height, w.padding.height, w.dilation.height),
      backward_phases(x[3], w.kernel.width, w.stride.width, w.padding.width, w.dilation.width),
      w.kernel.width);
}

}  // namespace evenkeel::kernels
