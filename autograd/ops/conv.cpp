#include <evenkeel/autograd/ops/conv.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/conv.h>
#include <evenkeel/core/kernels/elementwise.h>

namespace evenkeel {
namespace {

Array contraction(Convolution::Role target, const Array& a, Convolution::Role role_a, const Array& b,
                  const Convolution& conv) {
  switch (target) {
    case Convolution::output:
      return role_a == Convolution::input ? kernels::conv2d(a, b, {}, conv) : kernels::conv2d(b, a, {}, conv);
    case Convolution::input:
      return role_a == Convolution::output ? kernels::conv2d_input(a, b, conv)
                                           : kernels::conv2d_input(b, a, conv);
    default:
      return role_a == Convolution::input ? kernels::conv2d_weight(a, b, conv)
                                          : kernels::conv2d_weight(b, a, conv);
  }
}

/// A convolution is trilinear: each of input, weight and output is one contraction of the other two, and the
/// gradients of a contraction are contractions with the roles permuted. That makes it differentiable to any
/// order.
Tensor contract(Convolution::Role target, const Tensor& a, Convolution::Role role_a, const Tensor& b,
                Convolution::Role role_b, const Convolution& conv) {
  return record({
      .op = "conv2d",
      .inputs = {a, b},
      .output = contraction(target, a.stored(), role_a, b.stored(), conv),
      .saved = {a, b},
      .backward = [=](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        return {needs(0) ? contract(role_a, grad, target, saved[1], role_b, conv) : Tensor(),
                needs(1) ? contract(role_b, grad, target, saved[0], role_a, conv) : Tensor()};
      },
  });
}

void check_conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& o) {
  kernels::check_floating("conv2d", x.stored());
  const Shape &s = x.shape(), &w = weight.shape();
  check(s.rank() == 4, "conv2d: expected 4D input (got ", s.rank(), "D input), shape ", s);
  check(w.rank() == 4, "conv2d: expected 4D weight [O, C / groups, KH, KW], got shape ", w);
  check(o.groups > 0, "conv2d: groups must be positive, got ", o.groups);
  check(
      w[0] % o.groups == 0 && s[1] % o.groups == 0 && s[1] / o.groups == w[1] && x.dtype() == weight.dtype(),
      "conv2d: input ", x.dtype(), ' ', s, " does not fit weight ", weight.dtype(), ' ', w, " in ", o.groups,
      " groups; expected [N, C, H, W] and [O, C / groups, KH, KW] of one dtype");
  check(!bias.defined() || (bias.shape() == Shape{w[0]} && bias.dtype() == x.dtype()), "conv2d: bias ",
        bias.defined() ? bias.dtype() : x.dtype(), ' ', bias.defined() ? bias.shape() : Shape(),
        " does not fit weight ", weight.dtype(), ' ', w, "; expected [O]");
}

Tensor conv2d_nchw(const Tensor& given, const Tensor& weight, const Tensor& bias, const Conv2dOptions& o) {
  check_conv2d(given, weight, bias, o);
  const Shape &s = given.shape(), &w = weight.shape();
  const Window window{{w[2], w[3]}, o.stride, o.padding, o.dilation};
  const Convolution conv{
      {s, w, window.output("conv2d", s, w[0])}, window, o.algorithm.value_or(default_conv2d_algorithm())};
  // Turned once, for the weight's gradient too.
  const Tensor x = kernels::conv2d_reads_row_major(conv, given.dtype())
                       ? given
                       : reorder(given, MemoryOrder::channels_last);
  return record({
      .op = "conv2d",
      .inputs = {x, weight, bias},
      .output = kernels::conv2d(x.stored(), weight.value(), bias.defined() ? bias.value() : Array(), conv),
      .saved = {x, weight},
      .backward = [conv](const Tensor& given_grad, const Saved& saved, const Needs& needs) -> Gradients {
        using enum Convolution::Role;
        const Tensor grad = kernels::conv2d_keeps_row_major(conv, given_grad.dtype())
                                ? given_grad
                                : reorder(given_grad, MemoryOrder::channels_last);
        const auto channels = conv.shape(output)[1];
        const auto of_bias = [&] { return reshape(sum_to(grad, Shape{1, channels, 1, 1}), Shape{channels}); };
        return {needs(0) ? contract(input, grad, output, saved[1], weight, conv) : Tensor(),
                needs(1) ? contract(weight, grad, output, saved[0], input, conv) : Tensor(),
                needs(2) ? of_bias() : Tensor()};
      },
  });
}

}  // namespace

Tensor conv2d(const Tensor& x, const Tensor& weight, const Tensor& bias, const Conv2dOptions& options) {
  if (x.shape().rank() == 3) return squeeze(conv2d(unsqueeze(x, 0), weight, bias, options), 0);
  return in_nchw(options.data_format, x,
                 [&](const Tensor& images) { return conv2d_nchw(images, weight, bias, options); });
}

}  // namespace evenkeel
