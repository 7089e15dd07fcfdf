// Convolution to a few channels, as back to the pixels of an image in color. Vectors along so few channels
// would be almost empty; so they run along the channels of the other image, one for each pixel and channel of
// the result, and their lanes are added up at last: taps by row and column, then lanes in halves.

#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/conv_rows.h>

#include <algorithm>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;

/// A band's images are about as large as this.
constexpr Index band_elements = 16384;

/// Pixels whose sums stay in registers.
constexpr Index pixels_at_once(Index outputs) { return outputs == 1 ? 8 : 4; }

/// `weight` is [tap][vector][output][lane].
template <class T, Index outputs>
void correlate_row(const Row<T>& row, Index channels, const T* weight, const T* bias, Ahead<const T>& ahead) {
  constexpr auto n = simd::lanes<T>, pixels = pixels_at_once(outputs);
  for (Index first = 0; first < row.columns; first += pixels) {
    ahead.step();
    const T* from[pixels];
    T* to[pixels];
#pragma GCC unroll 8
    for (Index i = 0; i < pixels; ++i) {  // beyond the last pixel, compute it again
      const auto column = std::min(first + i, row.columns - 1);
      from[i] = row.from + column * row.from_pixel;
      to[i] = row.to + column * row.to_pixel;
    }
    Vector<T> sums[pixels][outputs]{};
    const T* w = weight;
    for (const Index offset : row.offsets)
      for (Index c = offset; c < offset + channels; c += n, w += outputs * n)
#pragma GCC unroll 8
        for (Index i = 0; i < pixels; ++i) {
          const auto values = simd::load(from[i] + c);
#pragma GCC unroll 4
          for (Index o = 0; o < outputs; ++o)
            sums[i][o] = simd::multiply_add(values, simd::load(w + o * n), sums[i][o]);
        }
#pragma GCC unroll 8
    for (Index i = 0; i < pixels; ++i)
#pragma GCC unroll 4
      for (Index o = 0; o < outputs; ++o) to[i][o] = simd::sum_of_lanes(sums[i][o]) + (bias ? bias[o] : T{0});
  }
}

/// The weights of a phase as correlate_row reads them.
template <class T>
std::vector<T> windows_of(const Phase& phase, const Array& weight, bool transposed) {
  constexpr auto n = simd::lanes<T>;
  const auto taps = weight.shape().count(2);
  const auto outputs = weight.shape()[transposed ? 1 : 0], channels = weight.shape()[transposed ? 0 : 1];
  const auto from = weight.data<T>();
  std::vector<T> windows(phase.taps.size() * static_cast<std::size_t>(round_up<T>(channels) * outputs));
  auto to = windows.begin();
  for (const Tap& tap : phase.taps)
    for (Index first = 0; first < channels; first += n)
      for (Index o = 0; o < outputs; ++o)
        for (Index c = first; c < first + n; ++c, ++to)
          if (c < channels) {
            const auto at = transposed ? c * outputs + o : o * channels + c;
            *to = from[static_cast<std::size_t>(at * taps + tap.weight)];
          }
  return windows;
}

template <class T, Index outputs>
void correlate(const Array& from, const Array& weight, const T* bias, const Correlation& g, bool transposed,
               T* to) {
  std::vector<std::vector<T>> windows;
  for (const Phase& phase : g.phases) windows.push_back(windows_of<T>(phase, weight, transposed));
  const auto channels = g.from[1];
  correlate_rows<T>(from, g, to, band_elements,
                    [&](std::size_t phase, const Row<T>& row, Ahead<const T>& ahead) {
                      correlate_row<T, outputs>(row, channels, windows[phase].data(), bias, ahead);
                    });
}

}  // namespace

Array correlate_few_outputs(const Array& from, const Array& weight, const Array& bias,
                            const Correlation& geometry, bool transposed) {
  Array to(geometry.to, from.dtype(), MemoryOrder::channels_last);
  dispatch_floating(from.dtype(), [&]<class T>() {
    const T* const shift = bias.defined() ? bias.data<T>().data() : nullptr;
    T* const result = to.mutable_stored<T>().data();
    switch (geometry.to[1]) {
      case 1:
        return correlate<T, 1>(from, weight, shift, geometry, transposed, result);
      case 2:
        return correlate<T, 2>(from, weight, shift, geometry, transposed, result);
      case 3:
        return correlate<T, 3>(from, weight, shift, geometry, transposed, result);
      default:
        return correlate<T, most_few_outputs>(from, weight, shift, geometry, transposed, result);
    }
  });
  return to;
}

}  // namespace evenkeel::kernels
