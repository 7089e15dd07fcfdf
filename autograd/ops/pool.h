#pragma once
/// Pooling over images [N, C, H, W] or [C, H, W] ([..., H, W, C] for NHWC), float32 or float64, as PyTorch's.

#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/window.h>

#include <optional>

namespace evenkeel {

struct MaxPool2dOptions {
  Size2 kernel_size;
  std::optional<Size2> stride = {};  ///< unless given: kernel_size
  Size2 padding = 0, dilation = 1;   ///< at most half a kernel of padding
  bool ceil_mode = false;
  DataFormat data_format = DataFormat::NCHW;
};
/// The largest element of each window; NaN wins, the first of equal ones gets the gradient. A window that
/// lies wholly in the padding is refused (ArgumentError).
Tensor max_pool2d(const Tensor& x, const MaxPool2dOptions& options);

struct AvgPool2dOptions {
  Size2 kernel_size;
  std::optional<Size2> stride = {};  ///< unless given: kernel_size
  Size2 padding = 0;                 ///< at most half a kernel
  bool ceil_mode = false;
  bool count_include_pad = true;  ///< whether padding counts in the divisor
  DataFormat data_format = DataFormat::NCHW;
};
/// The mean of each window.
Tensor avg_pool2d(const Tensor& x, const AvgPool2dOptions& options);

struct AdaptiveAvgPool2dOptions {
  Size2 output_size;
  DataFormat data_format = DataFormat::NCHW;
};
/// The means over the cells [floor(i * H / OH), ceil((i + 1) * H / OH)) of a grid of output_size.
Tensor adaptive_avg_pool2d(const Tensor& x, const AdaptiveAvgPool2dOptions& options);

}  // namespace evenkeel
