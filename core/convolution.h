#pragma once

#include <evenkeel/core/window.h>

#include <array>
#include <cstdint>

namespace evenkeel {

/// How conv2d computes float32 results; float64 is always direct.
enum class Conv2dAlgorithm : std::uint8_t {
  automatic,  ///< the fastest: Winograd F(4x4, 3x3) where it pays, at no more than about 3.5 times direct's
              ///< rounding error
  accurate,   ///< the most accurate: Winograd F(2x2, 3x3) where it pays (its error is below direct's), else
              ///< direct
  direct,     ///< sums of products only; an Inf or NaN reaches just the outputs whose window holds it
};
/// What conv2d uses unless a call or a layer says otherwise; automatic at first. For the whole process.
void set_default_conv2d_algorithm(Conv2dAlgorithm algorithm);
Conv2dAlgorithm default_conv2d_algorithm();

/// The geometry of a 2-D convolution: input [N, C, H, W], weight [O, C/groups, KH, KW], output [N, O, OH,
/// OW].
struct Convolution {
  enum Role : std::uint8_t { input, weight, output };

  std::array<Shape, 3> shapes;  ///< by role
  Window window;
  Conv2dAlgorithm algorithm = Conv2dAlgorithm::automatic;

  const Shape& shape(Role role) const { return shapes[role]; }
  std::int64_t groups() const { return shapes[weight][1] == 0 ? 1 : shapes[input][1] / shapes[weight][1]; }
};

}  // namespace evenkeel
