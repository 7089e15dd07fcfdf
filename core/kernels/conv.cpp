// Which way a convolution is computed. The choice follows from channels, image size, window, dtype and
// algorithm alone, never from the batch or the threads: a sample has the same bits in any batch.

#include <evenkeel/core/kernels/conv_paths.h>

namespace evenkeel::kernels {
namespace {

enum class Path : std::uint8_t { direct, depthwise, winograd_2_3, winograd_4_3, winograd_2_5 };

/// Whether F(M x M, R x R) needs less than half the multiplications, its tiles at the border included.
bool winograd_pays(std::int64_t m, std::int64_t r, std::int64_t height, std::int64_t width) {
  const auto tiles = ceil_div(height, m) * ceil_div(width, m), points = (m + r - 1) * (m + r - 1);
  return 2 * tiles * points < r * r * height * width;
}

/// The path to a result of height x width pixels.
Path path_of(const Convolution& conv, DType dtype, std::int64_t height, std::int64_t width) {
  constexpr std::int64_t few_channels = 8;  // for these, transforms cost more than they save
  const Window& w = conv.window;
  const auto inputs = conv.shape(Convolution::input)[1], outputs = conv.shape(Convolution::output)[1];
  if (conv.groups() > 1 && conv.groups() == inputs && inputs == outputs) return Path::depthwise;
  if (dtype != DType::float32 || conv.algorithm == Conv2dAlgorithm::direct || w.stride != Size2(1) ||
      w.dilation != Size2(1) || conv.groups() != 1 || inputs < few_channels || outputs < few_channels)
    return Path::direct;
  const bool automatic = conv.algorithm == Conv2dAlgorithm::automatic;
  if (w.kernel == Size2(5) && automatic && winograd_pays(2, 5, height, width)) return Path::winograd_2_5;
  if (w.kernel != Size2(3)) return Path::direct;
  if (automatic && winograd_pays(4, 3, height, width)) return Path::winograd_4_3;
  return winograd_pays(2, 3, height, width) ? Path::winograd_2_3 : Path::direct;
}

bool has_few_outputs(const Correlation& g) {
  return g.to[1] <= most_few_outputs && g.from[1] > g.to[1] && g.groups == 1 && g.covers;
}

/// Whether row-major images are computed with plane by plane.
bool goes_by_planes(Path path, const Convolution& conv) {
  return path == Path::depthwise && conv.window.stride == Size2(1);
}
/// Winograd's tiles are read where channels-last images lie; the other ways copy bands of images, and may
/// turn them around meanwhile, unless there are too few channels for vectors.
bool reads_row_major(Path path, const Convolution& conv) {
  return goes_by_planes(path, conv) ||
         ((path == Path::direct || path == Path::depthwise) && conv.shape(Convolution::input)[1] >= 16);
}
Array readable(const Array& images, Path path, const Convolution& conv) {
  return reads_row_major(path, conv) ? images : in_order(images, MemoryOrder::channels_last);
}

Array correlate(const Array& from, const Array& weight, const Array& bias, const Correlation& geometry,
                bool transposed, const Convolution& conv) {
  const auto path = path_of(conv, from.dtype(), geometry.to[2], geometry.to[3]);
  const Array images = readable(from, path, conv), rows = row_major(weight);
  switch (path) {
    case Path::winograd_4_3:
      return correlate_winograd<4, 3>(images, rows, bias, geometry, transposed);
    case Path::winograd_2_3:
      return correlate_winograd<2, 3>(images, rows, bias, geometry, transposed);
    case Path::winograd_2_5:
      return correlate_winograd<2, 5>(images, rows, bias, geometry, transposed);
    case Path::depthwise:
      return goes_by_planes(path, conv) && !is_channels_last(images)
                 ? correlate_planes(images, rows, bias, geometry)
                 : correlate_depthwise(images, rows, bias, geometry);
    default:
      return has_few_outputs(geometry) ? correlate_few_outputs(images, rows, bias, geometry, transposed)
                                       : correlate_direct(images, rows, bias, geometry, transposed);
  }
}

}  // namespace

Array conv2d(const Array& x, const Array& weight, const Array& bias, const Convolution& conv) {
  const Shape& shape = conv.shape(Convolution::output);
  if (shape.count() == 0) return Array(shape, x.dtype(), MemoryOrder::channels_last);
  return correlate(x, weight, bias, correlation_of_output(conv), false, conv);
}

Array conv2d_input(const Array& dy, const Array& weight, const Convolution& conv) {
  const Shape& shape = conv.shape(Convolution::input);
  if (shape.count() == 0 || dy.size() == 0) return Array(shape, dy.dtype(), MemoryOrder::channels_last);
  return correlate(dy, weight, {}, correlation_of_input(conv), true, conv);
}

Array conv2d_weight(const Array& x, const Array& dy, const Convolution& conv) {
  const Shape& shape = conv.shape(Convolution::weight);
  if (shape.count() == 0 || x.size() == 0 || dy.size() == 0) return Array(shape, x.dtype());
  const auto path = path_of(conv, x.dtype(), dy.shape()[2], dy.shape()[3]);
  const Array images = readable(x, path, conv), gradients = readable(dy, path, conv);
  switch (path) {
    case Path::winograd_4_3:
      return weight_gradient_winograd<4, 3>(images, gradients, conv);
    case Path::winograd_2_3:
      return weight_gradient_winograd<2, 3>(images, gradients, conv);
    case Path::winograd_2_5:
      return weight_gradient_winograd<2, 5>(images, gradients, conv);
    case Path::depthwise:
      return goes_by_planes(path, conv) && !is_channels_last(images) && !is_channels_last(gradients)
                 ? weight_gradient_planes(images, gradients, conv)
                 : weight_gradient_depthwise(images, gradients, conv);
    default:
      return weight_gradient_direct(images, gradients, conv);
  }
}

bool conv2d_reads_row_major(const Convolution& conv, DType dtype) {
  const Shape& to = conv.shape(Convolution::output);
  return reads_row_major(path_of(conv, dtype, to[2], to[3]), conv);
}

bool conv2d_keeps_row_major(const Convolution& conv, DType dtype) {
  const Shape& to = conv.shape(Convolution::output);
  return goes_by_planes(path_of(conv, dtype, to[2], to[3]), conv);
}

}  // namespace evenkeel::kernels
