#pragma once
/// The ways in which conv.cpp can have a convolution computed. Images are channels-last (for direct and
/// depthwise ways in either order), weights row-major, nothing is empty.

#include <evenkeel/core/kernels/conv.h>
#include <evenkeel/core/kernels/correlation.h>

namespace evenkeel::kernels {

/// The result of a correlation, by sums of products: any geometry, both dtypes. `transposed`: the weight maps
/// its output channels to its input channels, as for the gradient of the input. `bias` may be undefined.
Array correlate_direct(const Array& from, const Array& weight, const Array& bias, const Correlation& geometry,
                       bool transposed);
/// The gradient of the weight likewise.
Array weight_gradient_direct(const Array& x, const Array& dy, const Convolution& conv);

/// The correlation for at most so many channels of the result, without groups and where its phases cover it.
inline constexpr std::int64_t most_few_outputs = 4;
Array correlate_few_outputs(const Array& from, const Array& weight, const Array& bias,
                            const Correlation& geometry, bool transposed);

/// The same two for as many groups as input and output channels.
Array correlate_depthwise(const Array& from, const Array& weight, const Array& bias,
                          const Correlation& geometry);
Array weight_gradient_depthwise(const Array& x, const Array& dy, const Convolution& conv);
/// The same two at stride 1, of row-major images to a row-major result.
Array correlate_planes(const Array& from, const Array& weight, const Array& bias,
                       const Correlation& geometry);
Array weight_gradient_planes(const Array& x, const Array& dy, const Convolution& conv);

/// The same two by Winograd F(M x M, R x R), for (M, R) = (2, 3), (4, 3) and (2, 5): float32, an R x R
/// window, no groups, stride and dilation 1.
template <int M, int R>
Array correlate_winograd(const Array& from, const Array& weight, const Array& bias,
                         const Correlation& geometry, bool transposed);
template <int M, int R>
Array weight_gradient_winograd(const Array& x, const Array& dy, const Convolution& conv);

}  // namespace evenkeel::kernels
