#include <evenkeel/core/check.h>
#include <evenkeel/layers/pool.h>

#include <sstream>
#include <string_view>

namespace evenkeel {
namespace {

void check_window(std::string_view layer, const Window& window) {
  window.check_sizes(layer);
  const Size2 padding = window.padding, kernel = window.kernel;
  check(padding.height <= kernel.height / 2 && padding.width <= kernel.width / 2, layer,
        ": padding should be at most half of kernel_size, got padding ", padding, " and kernel_size ",
        kernel);
}

const MaxPool2dOptions& checked(const MaxPool2dOptions& o) {
  check_window("MaxPool2d", {o.kernel_size, o.stride.value_or(o.kernel_size), o.padding, o.dilation});
  return o;
}
const AvgPool2dOptions& checked(const AvgPool2dOptions& o) {
  check_window("AvgPool2d", {o.kernel_size, o.stride.value_or(o.kernel_size), o.padding});
  return o;
}
const AdaptiveAvgPool2dOptions& checked(const AdaptiveAvgPool2dOptions& o) {
  check(o.output_size.height >= 0 && o.output_size.width >= 0,
        "AdaptiveAvgPool2d: output_size must not be negative, got ", o.output_size);
  return o;
}

void check_rank(std::string_view layer, const Tensor& x) {
  const auto rank = x.shape().rank();
  check(rank == 3 || rank == 4, layer, ": expected 4D input (got ", rank, "D input) ", x.shape(),
        "; 3D without a batch is fine too");
}

template <class Options>
std::string text_of(const Options& o) {
  std::ostringstream text;
  text << "kernel_size=" << o.kernel_size << ", stride=" << o.stride.value_or(o.kernel_size);
  if (o.padding != Size2(0)) text << ", padding=" << o.padding;
  if (o.ceil_mode) text << ", ceil_mode=true";
  return text.str();
}

}  // namespace

MaxPool2d::MaxPool2d(const Options& given) : options(checked(given)) {}
std::string MaxPool2d::details() const { return text_of(options); }
Tensor MaxPool2d::forward(const Tensor& x) {
  check_rank("MaxPool2d", x);
  return max_pool2d(x, options);
}

AvgPool2d::AvgPool2d(const Options& given) : options(checked(given)) {}
std::string AvgPool2d::details() const { return text_of(options); }
Tensor AvgPool2d::forward(const Tensor& x) {
  check_rank("AvgPool2d", x);
  return avg_pool2d(x, options);
}

AdaptiveAvgPool2d::AdaptiveAvgPool2d(const Options& given) : options(checked(given)) {}
std::string AdaptiveAvgPool2d::details() const {
  std::ostringstream text;
  text << "output_size=" << options.output_size;
  return text.str();
}
Tensor AdaptiveAvgPool2d::forward(const Tensor& x) {
  check_rank("AdaptiveAvgPool2d", x);
  return adaptive_avg_pool2d(x, options);
}

}  // namespace evenkeel
