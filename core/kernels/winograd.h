#pragma once
/// Winograd's convolution F(M x M, R x R): an M x M tile of the result from (M + R - 1)^2 multiplications per
/// pair of channels instead of R^2 M^2. With d a tile of the input, g an R x R window and A, B, G constant
/// matrices,
///
///     y = A^T ((G g G^T) * (B^T d B)) A,    elementwise in the brackets and summed over channels there,
///
/// so the sums over channels are (M + R - 1)^2 products of matrices, [tiles, C] by [C, O]. The gradient of
/// the weight is the exact adjoint, dg = G^T (sum over tiles of (B^T d B) * (A dy A^T)) G. (Lavin and Gray,
/// Fast Algorithms for Convolutional Neural Networks, 2016.)
///
/// Tiles of 4 x 4 inputs evaluate polynomials at 0, 1, -1 and infinity, and round less than direct float32
/// sums do. Those of 6 x 6 take 0, +-sqrt(1/2), +-sqrt(2) and infinity: their error is 2 to 4 times smaller
/// than at 0, +-1 and +-2.

#include <evenkeel/core/kernels/simd.h>

#include <array>

namespace evenkeel::kernels {

/// The matrices along one axis. Rows come in pairs that share their work: `input`, `output` and
/// `output_adjoint` compute two rows of B^T, A^T and A from what the columns hold.
template <int M, int R>
struct Winograd;

template <>
struct Winograd<2, 3> {
  using Vector = simd::Vector<float>;
  using Pair = std::array<Vector, 2>;

  static constexpr float weight[4][3] = {{1, 0, 0}, {.5F, .5F, .5F}, {.5F, -.5F, .5F}, {0, 0, 1}};  // G
  static constexpr int input_rows[2][2] = {{0, 3}, {1, 2}};
  static constexpr int output_rows[1][2] = {{0, 1}};

  [[gnu::always_inline]] static Pair input(int pair, const Vector* d) {
    if (pair == 0) return {d[0] - d[2], d[1] - d[3]};
    return {d[1] + d[2], d[2] - d[1]};
  }
  [[gnu::always_inline]] static Pair output(int, const Vector* m) {
    return {m[0] + m[1] + m[2], m[1] - m[2] - m[3]};
  }
  [[gnu::always_inline]] static Pair output_adjoint(int pair, const Vector* y) {
    if (pair == 0) return {y[0], -y[1]};
    return {y[0] + y[1], y[0] - y[1]};
  }
};

/// What F(4 x 4, 3 x 3) and F(2 x 2, 5 x 5) share: B^T depends on the points alone.
struct WinogradSixPoints {
  using Vector = simd::Vector<float>;
  using Pair = std::array<Vector, 2>;

  static constexpr float root2 = 1.41421356F, half = root2 / 2;
  static constexpr int input_rows[3][2] = {{0, 5}, {1, 2}, {3, 4}};

  [[gnu::always_inline]] static Pair input(int pair, const Vector* d) {
    if (pair == 0) return {(d[0] + d[4]) - 2.5F * d[2], (d[1] + d[5]) - 2.5F * d[3]};
    if (pair == 1) return sum_and_difference(d[4] - 2.F * d[2], half * (d[3] - 2.F * d[1]));
    return sum_and_difference(d[4] - .5F * d[2], root2 * (d[3] - .5F * d[1]));
  }

 protected:
  [[gnu::always_inline]] static Pair sum_and_difference(Vector even, Vector odd) {
    return {even + odd, even - odd};
  }
};

template <>
struct Winograd<4, 3> : WinogradSixPoints {
  static constexpr float weight[6][3] = {{1, 0, 0},
                                         {-2.F / 3, -root2 / 3, -1.F / 3},
                                         {-2.F / 3, root2 / 3, -1.F / 3},
                                         {1.F / 6, root2 / 6, 1.F / 3},
                                         {1.F / 6, -root2 / 6, 1.F / 3},
                                         {0, 0, 1}};
  static constexpr int output_rows[2][2] = {{0, 2}, {1, 3}};

  [[gnu::always_inline]] static Pair output(int pair, const Vector* m) {
    if (pair == 0) {
      const Vector inner = m[1] + m[2], outer = m[3] + m[4];
      return {m[0] + (inner + outer), .5F * inner + 2.F * outer};
    }
    const Vector inner = m[1] - m[2], outer = m[3] - m[4];
    return {half * inner + root2 * outer, m[5] + ((.5F * half) * inner + (2.F * root2) * outer)};
  }
  [[gnu::always_inline]] static Pair output_adjoint(int pair, const Vector* y) {
    if (pair == 0) return {y[0], y[3]};
    if (pair == 1) return sum_and_difference(y[0] + .5F * y[2], half * (y[1] + .5F * y[3]));
    return sum_and_difference(y[0] + 2.F * y[2], root2 * (y[1] + 2.F * y[3]));
  }
};

template <>
struct Winograd<2, 5> : WinogradSixPoints {
  static constexpr float weight[6][5] = {{1, 0, 0, 0, 0},
                                         {-2.F / 3, -root2 / 3, -1.F / 3, -root2 / 6, -1.F / 6},
                                         {-2.F / 3, root2 / 3, -1.F / 3, root2 / 6, -1.F / 6},
                                         {1.F / 6, root2 / 6, 1.F / 3, root2 / 3, 2.F / 3},
                                         {1.F / 6, -root2 / 6, 1.F / 3, -root2 / 3, 2.F / 3},
                                         {0, 0, 0, 0, 1}};
  static constexpr int output_rows[1][2] = {{0, 1}};

  [[gnu::always_inline]] static Pair output(int, const Vector* m) {
    return {m[0] + ((m[1] + m[2]) + (m[3] + m[4])), m[5] + (half * (m[1] - m[2]) + root2 * (m[3] - m[4]))};
  }
  [[gnu::always_inline]] static Pair output_adjoint(int pair, const Vector* y) {
    if (pair == 0) return {y[0], y[1]};
    return sum_and_difference(y[0], (pair == 1 ? half : root2) * y[1]);
  }
};

}  // namespace evenkeel::kernels
