// Which way a convolution is computed. The choice follows from channels, image size, window, dtype and
// algorithm alone, never from the batch or the threads: a sample has the same bits in any batch.

#include <evenkeel/core/kernels/conv_paths.h>

namespace evenkeel::kernels {
namespace {

Array channels_last(const Array& images) { return in_order(images, MemoryOrder::channels_last); }

}  // namespace

Array conv2d(const Array& x, const Array& weight, const Array& bias, const Convolution& conv) {
  const Shape& shape = conv.shape(Convolution::output);
  if (shape.count() == 0) return Array(shape, x.dtype(), MemoryOrder::channels_last);
  return correlate_direct(channels_last(x), row_major(weight), bias, correlation_of_output(conv), false);
}

Array conv2d_input(const Array& dy, const Array& weight, const Convolution& conv) {
  const Shape& shape = conv.shape(Convolution::input);
  if (shape.count() == 0 || dy.size() == 0) return Array(shape, dy.dtype(), MemoryOrder::channels_last);
  return correlate_direct(channels_last(dy), row_major(weight), {}, correlation_of_input(conv), true);
}

Array conv2d_weight(const Array& x, const Array& dy, const Convolution& conv) {
  const Shape& shape = conv.shape(Convolution::weight);
  if (shape.count() == 0 || x.size() == 0 || dy.size() == 0) return Array(shape, x.dtype());
  return weight_gradient_direct(channels_last(x), channels_last(dy), conv);
}

}  // namespace evenkeel::kernels
