#include <evenkeel/core/check.h>
#include <evenkeel/core/window.h>

#include <ostream>

namespace evenkeel {

std::ostream& operator<<(std::ostream& os, const Size2& size) {
  return os << '[' << size.height << ", " << size.width << ']';
}

void Window::check_sizes(std::string_view op) const {
  // Far above any image, and small enough that no sum or product below can overflow.
  constexpr std::int64_t limit = std::int64_t{1} << 30;
  const auto within = [&](const Size2& size, std::int64_t least) {
    return size.height >= least && size.width >= least && size.height <= limit && size.width <= limit;
  };
  check(within(kernel, 1), op, ": kernel_size must be positive, got ", kernel);
  check(within(stride, 1), op, ": stride must be positive, got ", stride);
  check(within(dilation, 1), op, ": dilation must be positive, got ", dilation);
  check(within(padding, 0), op, ": padding must not be negative, got ", padding);
}

Shape Window::output(std::string_view op, const Shape& x, std::int64_t channels) const {
  check_sizes(op);
  const auto length = [&](std::int64_t in, std::int64_t k, std::int64_t s, std::int64_t p, std::int64_t d) {
    const auto slack = in + 2 * p - d * (k - 1) - 1;
    check(slack >= 0, op, ": a window of ", kernel, " with dilation ", dilation, " does not fit input ", x,
          " padded by ", padding);
    auto out = (ceil_mode ? slack + s - 1 : slack) / s + 1;
    if (ceil_mode && (out - 1) * s >= in + p) --out;
    return out;
  };
  return {x[0], channels, length(x[2], kernel.height, stride.height, padding.height, dilation.height),
          length(x[3], kernel.width, stride.width, padding.width, dilation.width)};
}

}  // namespace evenkeel
