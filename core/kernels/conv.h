#pragma once
/// 2-D convolution. Every product is a sum of input * weight over taps, so each of its three arrays is one
/// contraction of the other two. Images are taken in either memory order and come out channels-last, or
/// row-major from row-major ones where conv2d_keeps_row_major; weights are row-major.

#include <evenkeel/core/array.h>
#include <evenkeel/core/convolution.h>

namespace evenkeel::kernels {

/// y[n, o, i, j] = bias[o] + sum over c, kh, kw of x[n, c, row(i, kh), column(j, kw)] * weight[o, c, kh, kw].
/// `bias` [O] may be undefined.
Array conv2d(const Array& x, const Array& weight, const Array& bias, const Convolution& conv);
/// The gradient of the input: dx from dy and the weight.
Array conv2d_input(const Array& dy, const Array& weight, const Convolution& conv);
/// The gradient of the weight: dw from x and dy.
Array conv2d_weight(const Array& x, const Array& dy, const Convolution& conv);

/// Whether conv2d and conv2d_weight read row-major images as they lie; others they turn around, each for
/// itself.
bool conv2d_reads_row_major(const Convolution& conv, DType dtype);
/// Whether results of row-major images are row-major too: in depthwise convolution at stride 1.
bool conv2d_keeps_row_major(const Convolution& conv, DType dtype);

/// The plain loops that the three are tested against: `target` from the other two arrays, given as its
/// function above takes them, summed in double and row-major.
Array conv2d_reference(Convolution::Role target, const Array& a, const Array& b, const Convolution& conv);

}  // namespace evenkeel::kernels
