#pragma once
/// Internal: what the normalization layers share about their input: formats, channels, and what is refused.

#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/parameter.h>

#include <optional>
#include <string_view>

namespace evenkeel {

/// Runs f on [N, C, ...], whatever the format of x, and gives the result in x's format. Of [N, C] there is
/// one format; axes between N and C are one to f where there are not just two or three of them.
template <class F>
Tensor in_channels_first(DataFormat format, const Tensor& x, F f) {
  const Shape& shape = x.shape();
  const auto rank = shape.rank();
  if (format == DataFormat::NCHW || rank < 3) return f(x);
  if (rank == 4 || rank == 5) return in_nchw(format, x, f);
  const auto channels = shape[rank - 1];
  const auto pixels = shape.with(0, 1).with(rank - 1, 1).count();
  return reshape(in_nchw(format, reshape(x, Shape{shape[0], 1, pixels, channels}), f), shape);
}

/// The channels of batched input: its axis 1, or the last one of NHWC.
inline std::int64_t channels_of(DataFormat format, const Shape& shape) {
  return shape[format == DataFormat::NHWC ? shape.rank() - 1 : 1];
}

// These throw ArgumentError, starting with the layer's name.

/// Unless eps is a finite number of at least 0.
void check_eps(std::string_view layer, double eps);
/// Unless batched input has as many channels as the option of this name says.
void check_channels(std::string_view layer, std::string_view option, std::int64_t expected, DataFormat format,
                    const Shape& shape);
/// Unless `values`, called `name`, has this shape and the dtype of the input x.
void check_values(std::string_view layer, std::string_view name, const Array& values, const Shape& shape,
                  const Tensor& x);
/// Unless x is floating and what there is of weight and bias fits it.
void check_affine(std::string_view layer, const Tensor& x, const std::optional<Parameter>& weight,
                  const std::optional<Parameter>& bias, const Shape& shape);
/// Always: a group of one value, in PyTorch's words.
[[noreturn]] void fail_single_value(std::string_view layer, std::string_view what, const Shape& shape);

}  // namespace evenkeel
