#pragma once

#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/convolution.h>

#include <optional>

namespace evenkeel {

struct Conv2dOptions {
  Size2 stride = 1, padding = 0, dilation = 1;
  std::int64_t groups = 1;
  DataFormat data_format = DataFormat::NCHW;
  /// Unless given: default_conv2d_algorithm().
  std::optional<Conv2dAlgorithm> algorithm = {};
};
/// y[n, o, i, j] = bias[o] + sum over c, kh, kw of
///     x[n, c, i * stride - padding + kh * dilation, j * stride - padding + kw * dilation] * weight[o, c, kh,
///     kw],
/// with zeros outside the image. x [N, C, H, W] or [C, H, W] ([N, H, W, C] or [H, W, C] for NHWC), weight
/// [O, C / groups, KH, KW] in either format, bias [O] or undefined; float32 or float64. The result is stored
/// channels-last; that of a depthwise convolution with stride 1 as x is. As PyTorch's conv2d; throws
/// ArgumentError where shapes, dtypes or options do not fit.
Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias = {},
              const Conv2dOptions& options = {});

}  // namespace evenkeel
