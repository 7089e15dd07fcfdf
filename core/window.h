#pragma once

#include <evenkeel/core/shape.h>

#include <cstdint>
#include <iosfwd>
#include <string_view>

namespace evenkeel {

/// A height and a width; one number means both.
struct Size2 {
  constexpr explicit(false) Size2(std::int64_t both) : height(both), width(both) {}
  constexpr Size2(std::int64_t h, std::int64_t w) : height(h), width(w) {}
  bool operator==(const Size2&) const = default;
  /// As `[2, 3]`.
  friend std::ostream& operator<<(std::ostream& os, const Size2& size);

  std::int64_t height, width;
};

/// A window that slides over an image. Output row i, tap k reads input row i * stride - padding + k *
/// dilation.
struct Window {
  Size2 kernel;
  Size2 stride = 1, padding = 0, dilation = 1;
  /// Rounds the output up instead of down, but no window begins behind the padded image (PyTorch's rule).
  bool ceil_mode = false;

  /// Throws ArgumentError, starting with `op`, where kernel, stride or dilation is not positive, or the
  /// padding is negative.
  void check_sizes(std::string_view op) const;
  /// The output's shape for x, [N, C, H, W]. Throws ArgumentError likewise, and where the window is larger
  /// than the padded image.
  Shape output(std::string_view op, const Shape& x, std::int64_t channels) const;
  std::int64_t row(std::int64_t out, std::int64_t tap) const {
    return out * stride.height - padding.height + tap * dilation.height;
  }
  std::int64_t column(std::int64_t out, std::int64_t tap) const {
    return out * stride.width - padding.width + tap * dilation.width;
  }
};

}  // namespace evenkeel
