#pragma once
/// Pooling over windows of [N, C, H, W], in either memory order; the result has the order of x.

#include <evenkeel/core/array.h>
#include <evenkeel/core/window.h>

namespace evenkeel::kernels {

/// The maxima, and which of its window's elements inside the image each one is: numbered by row, then column,
/// in uint8 where no window has more than 256 of them, else in int64. NaN counts as the largest.
struct MaxPool {
  Array values, taps;
};
MaxPool max_pool2d(const Array& x, const Window& window);
/// The adjoint: dx, of the given shape, from dy.
Array max_pool2d_adjoint(const Array& dy, const Array& taps, const Shape& shape, const Window& window);
/// And its adjoint: of every window of `images` the element that was the maximum.
Array max_pool2d_pick(const Array& images, const Array& taps, const Window& window);

/// The mean over each window: divided by its size with the padding (but not what ceil_mode adds behind it)
/// or, without `count_include_pad`, by the number of its elements inside the image.
Array avg_pool2d(const Array& x, const Window& window, bool count_include_pad);
/// The adjoint: dx from dy. `shape` is x's.
Array avg_pool2d_adjoint(const Array& dy, const Shape& shape, const Window& window, bool count_include_pad);

/// The means over the cells [floor(i * H / OH), ceil((i + 1) * H / OH)) of an OH x OW grid.
Array adaptive_avg_pool2d(const Array& x, Size2 output_size);
Array adaptive_avg_pool2d_adjoint(const Array& dy, const Shape& shape);

}  // namespace evenkeel::kernels
