#include <evenkeel/autograd/ops/pool_parts.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/pool.h>

namespace evenkeel {
namespace {

/// Runs f on [N, C, H, W], whatever the format of x and with or without a batch.
template <class F>
Tensor on_images(std::string_view op, const Tensor& x, DataFormat format, F f) {
  kernels::check_floating(op, x.stored());
  const auto rank = x.shape().rank();
  check(rank == 3 || rank == 4, op, ": expected 3D or 4D input (got ", rank, "D input), shape ", x.shape());
  if (rank == 3) return squeeze(in_nchw(format, unsqueeze(x, 0), f), 0);
  return in_nchw(format, x, f);
}

void check_padding(std::string_view op, Size2 padding, Size2 kernel) {
  check(padding.height <= kernel.height / 2 && padding.width <= kernel.width / 2, op,
        ": padding should be at most half of kernel_size, got padding ", padding, " and kernel_size ",
        kernel);
}

Tensor avg_pool2d_adjoint(const Tensor& grad, const Shape& shape, const Window& window,
                          bool count_include_pad);

Tensor avg_pool2d_nchw(const Tensor& x, const Window& window, bool count_include_pad) {
  return record_linear_map("avg_pool2d", x, kernels::avg_pool2d(x.stored(), window, count_include_pad),
                           [=](const Tensor& grad, const Shape& from) {
                             return avg_pool2d_adjoint(grad, from, window, count_include_pad);
                           });
}
Tensor avg_pool2d_adjoint(const Tensor& grad, const Shape& shape, const Window& window,
                          bool count_include_pad) {
  return record_linear_map(
      "avg_pool2d", grad, kernels::avg_pool2d_adjoint(grad.stored(), shape, window, count_include_pad),
      [=](const Tensor& g, const Shape&) { return avg_pool2d_nchw(g, window, count_include_pad); });
}

Tensor adaptive_avg_pool2d_adjoint(const Tensor& grad, const Shape& shape);

Tensor adaptive_avg_pool2d_nchw(const Tensor& x, Size2 size) {
  return record_linear_map(
      "adaptive_avg_pool2d", x, kernels::adaptive_avg_pool2d(x.stored(), size),
      [](const Tensor& grad, const Shape& from) { return adaptive_avg_pool2d_adjoint(grad, from); });
}
Tensor adaptive_avg_pool2d_adjoint(const Tensor& grad, const Shape& shape) {
  return record_linear_map("adaptive_avg_pool2d", grad,
                           kernels::adaptive_avg_pool2d_adjoint(grad.stored(), shape),
                           [](const Tensor& g, const Shape& from) {
                             return adaptive_avg_pool2d_nchw(g, {from[2], from[3]});
                           });
}

Tensor max_pool2d_pick(const Tensor& images, const Tensor& taps, const Window& window) {
  return record({
      .op = "max_pool2d",
      .inputs = {images},
      .output = kernels::max_pool2d_pick(images.stored(), taps.stored(), window),
      .saved = {taps},
      .backward = [window](const Tensor& g, const Saved& saved, const Needs&) -> Gradients {
        return {max_pool2d_adjoint(g, saved[0], saved.shape(0), window)};
      },
  });
}

}  // namespace

/// The gradient of max_pool2d is linear in that of its result, and picking the maxima's places is its
/// adjoint.
Tensor max_pool2d_adjoint(const Tensor& grad, const Tensor& taps, const Shape& shape, const Window& window) {
  return record({
      .op = "max_pool2d",
      .inputs = {grad},
      .output = kernels::max_pool2d_adjoint(grad.stored(), taps.stored(), shape, window),
      .saved = {taps},
      .backward = [window](const Tensor& g, const Saved& saved, const Needs&) -> Gradients {
        return {max_pool2d_pick(g, saved[0], window)};
      },
  });
}

Window window_of(const MaxPool2dOptions& o) {
  check_padding("max_pool2d", o.padding, o.kernel_size);
  return {o.kernel_size, o.stride.value_or(o.kernel_size), o.padding, o.dilation, o.ceil_mode};
}

Tensor max_pool2d(const Tensor& given, const MaxPool2dOptions& o) {
  const Window window = window_of(o);
  return on_images("max_pool2d", given, o.data_format, [&](const Tensor& x) {
    auto [values, taps] = kernels::max_pool2d(x.stored(), window);
    return record({
        .op = "max_pool2d",
        .inputs = {x},
        .output = std::move(values),
        .saved = {constant(std::move(taps))},
        .backward = [window](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
          return {max_pool2d_adjoint(grad, saved[0], saved.shape(0), window)};
        },
    });
  });
}

Tensor avg_pool2d(const Tensor& given, const AvgPool2dOptions& o) {
  check_padding("avg_pool2d", o.padding, o.kernel_size);
  const Window window{o.kernel_size, o.stride.value_or(o.kernel_size), o.padding, 1, o.ceil_mode};
  return on_images("avg_pool2d", given, o.data_format,
                   [&](const Tensor& x) { return avg_pool2d_nchw(x, window, o.count_include_pad); });
}

Tensor adaptive_avg_pool2d(const Tensor& given, const AdaptiveAvgPool2dOptions& o) {
  constexpr std::int64_t limit = std::int64_t{1} << 24;  // far above any image
  check(o.output_size.height >= 0 && o.output_size.width >= 0,
        "adaptive_avg_pool2d: output_size must not be negative, got ", o.output_size);
  check(o.output_size.height <= limit && o.output_size.width <= limit,
        "adaptive_avg_pool2d: output_size must not exceed ", limit, ", got ", o.output_size);
  return on_images("adaptive_avg_pool2d", given, o.data_format,
                   [&](const Tensor& x) { return adaptive_avg_pool2d_nchw(x, o.output_size); });
}

}  // namespace evenkeel
