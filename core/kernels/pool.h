#pragma once
/// Pooling over windows of [N, C, H, W], in either memory order; the result has the order of x.

#include <evenkeel/core/array.h>
#include <evenkeel/core/window.h>

namespace evenkeel::kernels {

/// The maxima, and where each lies in x as it is stored (int64, for gather and scatter). NaN counts as the
/// largest.
struct MaxPool {
  Array values, positions;
};
MaxPool max_pool2d(const Array& x, const Window& window);

/// The mean over each window: divided by its size with the padding (but not what ceil_mode adds behind it)
/// or, without `count_include_pad`, by the number of its elements inside the image.
Array avg_pool2d(const Array& x, const Window& window, bool count_include_pad);
/// The adjoint: dx from dy. `shape` is x's.
Array avg_pool2d_adjoint(const Array& dy, const Shape& shape, const Window& window, bool count_include_pad);

/// The means over the cells [floor(i * H / OH), ceil((i + 1) * H / OH)) of an OH x OW grid.
Array adaptive_avg_pool2d(const Array& x, Size2 output_size);
Array adaptive_avg_pool2d_adjoint(const Array& dy, const Shape& shape);

}  // namespace evenkeel::kernels
