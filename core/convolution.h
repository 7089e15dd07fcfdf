#pragma once

#include <evenkeel/core/window.h>

#include <array>
#include <cstdint>

namespace evenkeel {

/// How conv2d computes float32 results; float64 is always direct.
/// Winograd F(M x M, R x R) computes outputs, and gradients of the input, in tiles of M x M pixels that begin
/// at the image's corner: an Inf or NaN may reach all pixels of each tile in which it reaches one directly,
/// as Inf or NaN, and no other tile. In the gradient of the weight it may reach all R x R elements of the
/// channels that it reaches directly.
enum class Conv2dAlgorithm : std::uint8_t {
  automatic,  ///< the fastest: Winograd F(4x4, 3x3) and F(2x2, 5x5) where they pay. For 3x3, the output and
              ///< the gradient of the input have at most about 3.5 times direct's rounding error; for
              ///< 5x5, 1.5 times. Direct sums the gradient of the weight in pieces, more exactly than that:
              ///< there they have up to 12 times its error, 6e-6 of the values' root mean square at most
  accurate,   ///< the most accurate: Winograd F(2x2, 3x3) where it pays, with less error than direct (for the
              ///< gradient of the weight: up to 3 times as much), else direct
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
