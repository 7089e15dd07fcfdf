#include <evenkeel/core/kernels/conv.h>

namespace evenkeel::kernels {

Array conv2d(const Array& x, const Array& weight, const Array& bias, const Convolution& conv) {
  Array y = conv2d_reference(Convolution::output, x, weight, conv);
  if (bias.defined())
    dispatch_floating(y.dtype(), [&]<class T>() {
      const auto channels = y.shape()[1], pixels = y.shape().count(2);
      const auto values = y.mutable_data<T>();
      for (std::int64_t i = 0; i < y.size(); ++i)
        values[static_cast<std::size_t>(i)] +=
            bias.data<T>()[static_cast<std::size_t>(i / pixels % channels)];
    });
  return in_order(y, MemoryOrder::channels_last);
}

Array conv2d_input(const Array& dy, const Array& weight, const Convolution& conv) {
  return in_order(conv2d_reference(Convolution::input, dy, weight, conv), MemoryOrder::channels_last);
}

Array conv2d_weight(const Array& x, const Array& dy, const Convolution& conv) {
  return conv2d_reference(Convolution::weight, x, dy, conv);
}

}  // namespace evenkeel::kernels
