#pragma once
/// Correlations whose vectors run along the channels of the image: the windows pass along rows of the result,
/// and every vector of the image is read as it lies, with zeros beyond the last channel.

#include <evenkeel/core/array.h>
#include <evenkeel/core/kernels/correlation.h>
#include <evenkeel/core/kernels/simd.h>

#include <algorithm>
#include <span>
#include <vector>

namespace evenkeel::kernels {

/// Up to whole vectors.
template <class T>
constexpr std::int64_t round_up(std::int64_t channels) {
  return ceil_div(channels, simd::lanes<T>) * simd::lanes<T>;
}

/// Offsets of a phase's taps from the first pixel that a window sees.
template <class T>
std::vector<std::int64_t> offsets_of(const Phase& phase, const Correlation& g, const SeenImages<T>& seen) {
  std::vector<std::int64_t> offsets;
  for (const Tap& tap : phase.taps)
    offsets.push_back((tap.row - g.rows.low) * seen.row + (tap.column - g.columns.low) * seen.pixel);
  return offsets;
}

template <class T>
SeenImages<T> seen_by(const Array& images, const Correlation& g, std::int64_t rows, std::int64_t columns,
                      const Bands& bands) {
  return {images, round_up<T>(g.from[1]), g.rows, g.columns, rows, columns, bands};
}

/// A row of one phase of the result.
template <class T>
struct Row {
  const T* from;
  T* to;
  std::int64_t columns, from_pixel, to_pixel;  // pixels, and the distances between them
  std::int64_t channels;                       // of the result
  std::span<const std::int64_t> offsets;       // of the taps
};

/// Pixels of a row between which a little of the next band is fetched.
inline constexpr std::int64_t pixels_of_fetch = 8;

/// body(index of the phase, row, ahead) for all rows of the result; bands of so many elements. `ahead` is to
/// take a step for some pixels, at most `pixels_of_fetch`.
template <class T, class Body>
void correlate_rows(const Array& from, const Correlation& g, T* to, std::int64_t band_elements, Body body) {
  const auto channels = g.to[1], rows = ceil_div(g.to[2], g.spread.height),
             columns = ceil_div(g.to[3], g.spread.width);
  const Bands bands(g.to[0], rows, band_elements / (g.rows.step * g.columns.length(columns) * g.from[1]));
  const auto seen = seen_by<T>(from, g, rows, columns, bands);
  std::vector<std::vector<std::int64_t>> offsets;
  for (const Phase& phase : g.phases) offsets.push_back(offsets_of(phase, g, seen));
  const auto correlate_band = [&](const Band& band, Ahead<const T> ahead, T* buffer) {
    const T* const images = seen.read(band, buffer);
    for (std::size_t p = 0; p < g.phases.size(); ++p) {
      const Phase& phase = g.phases[p];
      for (std::int64_t image = 0; image < band.images; ++image)
        for (std::int64_t i = 0; i < std::min(band.rows, phase.rows - band.row); ++i) {
          const auto row = (band.row + i) * g.spread.height + phase.row;
          body(p,
               Row<T>{images + image * seen.image + i * g.step.height * seen.row,
                      to + (((band.image + image) * g.to[2] + row) * g.to[3] + phase.column) * channels,
                      phase.columns, g.step.width * seen.pixel, g.spread.width * channels, channels,
                      offsets[p]},
               ahead);
        }
    }
  };
  parallel_for(bands.count(), bands.grain(), [&](std::int64_t b, std::int64_t end) {
    Array buffer = Array::uninitialized({seen.buffer_size()}, dtype_of<T>);
    const auto steps = static_cast<std::int64_t>(g.phases.size()) * bands.images() * bands.rows() *
                       ceil_div(columns, pixels_of_fetch);
    for (; b < end; ++b)
      correlate_band(bands[b], Ahead(steps, seen.region(bands.after(b))),
                     buffer.template mutable_data<T>().data());
  });
}

}  // namespace evenkeel::kernels
