#pragma once
/// The geometry that forward convolution and the gradient of its input share. Either is a correlation: each
/// pixel of the result is a sum over taps, of a pixel of the other image times a matrix of weights. Back
/// through a stride, a pixel sees only the taps that hit it, and pixels of equal remainder see the same ones,
/// at neighbouring pixels. So a correlation falls into phases, one forward and up to stride.height *
/// stride.width back, and within a phase the pixel (i, j) of the result reads (i * step + tap.row, j * step +
/// tap.column).

#include <evenkeel/core/convolution.h>
#include <evenkeel/core/kernels/conv_bands.h>

#include <vector>

namespace evenkeel::kernels {

struct Tap {
  std::int64_t row, column;
  std::int64_t weight;  ///< kh * KW + kw
};

struct Phase {
  std::int64_t row, column;    ///< its first pixel of the result; the next ones lie `spread` further
  std::int64_t rows, columns;  ///< its pixels
  std::vector<Tap> taps;       ///< by row, then by column
};

struct Correlation {
  Shape from, to;  ///< [N, C, H, W]
  Size2 step, spread;
  std::int64_t groups;
  std::vector<Phase> phases;  ///< those that have taps
  bool covers;                ///< whether they make up all of the result
  Reach rows, columns;        ///< of all phases together

  std::int64_t channels_from() const { return from[1] / groups; }
  std::int64_t channels_to() const { return to[1] / groups; }
};

/// y from x, or dx from dy. None of the shapes may be empty.
Correlation correlation_of_output(const Convolution& conv);
Correlation correlation_of_input(const Convolution& conv);

}  // namespace evenkeel::kernels
