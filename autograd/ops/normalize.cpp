#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/comparison.h>
#include <evenkeel/autograd/ops/normalize.h>
#include <evenkeel/autograd/ops/pool_parts.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/normalize.h>
#include <evenkeel/core/kernels/normalize_pool.h>

namespace evenkeel {
namespace {

/// 1 / sqrt(var + eps), and 0 where that is 1 / 0: there x is its mean, and y is to be beta.
Tensor inverse_std(const Tensor& var, double eps) {
  const Tensor t = var + eps, is_zero = t == 0;
  const Tensor zero = constant(kernels::full({}, DType::float64, 0)),
               one = constant(kernels::full({}, DType::float64, 1));
  return where(is_zero, zero, pow(where(is_zero, one, t), -0.5));
}

Array value_or_absent(const Tensor& parameter) { return parameter.defined() ? parameter.value() : Array(); }

/// What kernels::normalize_backward computes, on tensors and in double: slower, but differentiable to any
/// order.
Gradients recorded_backward_of(const Tensor& grad, const Saved& saved, const Needs& needs,
                               const Normalization& how) {
  const Tensor x = to(saved[0], DType::float64), dy = to(reorder(grad, how.order), DType::float64);
  const double n = static_cast<double>(x.size()) / static_cast<double>(how.moments.total());
  const auto over = [&](const Tensor& v) { return spread(v, how.moments, x.shape(), how.order); };
  const auto mean_of = [&](const Tensor& v) { return group_sum(v, how.moments, how.order) / n; };
  const auto by_channel = [&](const Tensor& v, std::size_t input) {
    return to(reshape(group_sum(v, how.affine, how.order), saved.shape(input)), grad.dtype());
  };
  const Tensor centred = x - over(how.moments_of_input ? mean_of(x) : saved[2]);
  const Tensor var = how.moments_of_input ? mean_of(centred * centred) : saved[3];
  const Tensor invstd = over(inverse_std(var, how.eps)), xhat = centred * invstd;
  const auto dx = [&] {
    Tensor h = dy;
    if (const Tensor gamma = saved[1]; gamma.defined())
      h = h *
          spread(reshape(to(gamma, DType::float64), Shape{gamma.size()}), how.affine, x.shape(), how.order);
    if (how.moments_of_input) h = h - over(mean_of(h)) - xhat * over(mean_of(h * xhat));
    return to(h * invstd, grad.dtype());
  };
  return {needs(0) ? dx() : Tensor(), needs(1) ? by_channel(dy * xhat, 1) : Tensor(),
          needs(2) ? by_channel(dy, 2) : Tensor()};
}

/// As gradients of x, gamma and beta, of which saved are the first two.
Gradients shaped(const kernels::NormalizeGradients& found, const Saved& saved, const Needs& needs) {
  const auto of_scale = [&](const Array& values, std::size_t input) {
    return constant(values.relabelled(saved.shape(input), MemoryOrder::row_major));
  };
  return {needs(0) ? constant(found.x) : Tensor(), needs(1) ? of_scale(found.gamma, 1) : Tensor(),
          needs(2) ? of_scale(found.beta, 2) : Tensor()};
}
kernels::NormalizeWants wants_of(const Needs& needs) {
  return {.x = needs(0), .affine = needs(1) || needs(2)};
}

Gradients backward_of(const Tensor& grad, const Saved& saved, const Needs& needs, const Normalization& how) {
  if (GradMode::on) return recorded_backward_of(grad, saved, needs, how);
  return shaped(kernels::normalize_backward(in_order(grad.stored(), how.order), saved[0].stored(),
                                            value_or_absent(saved[1]), saved[2].value(), saved[3].value(),
                                            how, wants_of(needs)),
                saved, needs);
}

Gradients backward_of_max_pool(const Tensor& grad, const Saved& saved, const Needs& needs,
                               const Normalization& how, const Window& window) {
  const Tensor x = saved[0];
  if (GradMode::on)
    return recorded_backward_of(max_pool2d_adjoint(grad, saved[4], x.shape(), window), saved, needs, how);
  const auto samples = x.size() / how.moments.total();
  const Tensor at_maxima = saved[5];
  const kernels::NormalizedMaxPool found{{},
                                         saved[4].stored(),
                                         at_maxima.defined() ? at_maxima.stored() : Array(),
                                         {saved[2].value(), saved[3].value(), samples}};
  return shaped(
      kernels::normalize_max_pool2d_backward(grad.stored(), found, x.stored(), value_or_absent(saved[1]), how,
                                             window, wants_of(needs)),
      saved, needs);
}

Tensor checked_input(const Tensor& x, const Tensor& gamma, const Tensor& beta, const Normalization& how) {
  kernels::check_floating("normalize", x.stored());
  check_groups("normalize", how.moments, x.size());
  check_groups("normalize", how.affine, x.size());
  for (const auto* scale : {&gamma, &beta})
    if (scale->defined())
      check(scale->size() == how.affine.total() && scale->dtype() == x.dtype(), "normalize: input ",
            x.dtype(), ' ', x.shape(), " does not fit a scale of ", scale->dtype(), ' ', scale->shape(),
            "; expected ", how.affine.total(), " elements of ", x.dtype());
  return reorder(x, how.order);
}

Tensor recorded(const Tensor& x, const Tensor& gamma, const Tensor& beta, Array output,
                const Moments& moments, const Normalization& how) {
  return record({
      .op = "normalize",
      .inputs = {x, gamma, beta},
      .output = std::move(output),
      .saved = {x, gamma, constant(moments.mean), constant(moments.var)},
      .backward = [how](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        return backward_of(grad, saved, needs, how);
      },
  });
}

}  // namespace

Tensor normalize(const Tensor& given, const Tensor& gamma, const Tensor& beta, const Moments& moments,
                 const Normalization& how) {
  const Tensor x = checked_input(given, gamma, beta, how);
  check(moments.mean.size() == how.moments.total() && moments.var.size() == how.moments.total(),
        "normalize: ", moments.mean.size(), " means and ", moments.var.size(), " variances do not fit ",
        how.moments.total(), " groups");
  Array y = kernels::normalize(x.stored(), value_or_absent(gamma), value_or_absent(beta), moments, how);
  return recorded(x, gamma, beta, std::move(y), moments, how);
}

Normalized normalize(const Tensor& given, const Tensor& gamma, const Tensor& beta, const Normalization& how) {
  const Tensor x = checked_input(given, gamma, beta, how);
  auto [y, moments] = kernels::normalize(x.stored(), value_or_absent(gamma), value_or_absent(beta), how);
  return {recorded(x, gamma, beta, std::move(y), moments, how), moments};
}

Normalized normalize_max_pool2d(const Tensor& given, const Tensor& gamma, const Tensor& beta,
                                const Normalization& how, const Window& window) {
  const Tensor x = checked_input(given, gamma, beta, how);
  check(x.shape().rank() == 4, "normalize_max_pool2d: expected 4D input (got ", x.shape().rank(),
        "D input), shape ", x.shape());
  auto found =
      kernels::normalize_max_pool2d(x.stored(), value_or_absent(gamma), value_or_absent(beta), how, window);
  Tensor y = record({
      .op = "normalize_max_pool2d",
      .inputs = {x, gamma, beta},
      .output = std::move(found.values),
      .saved = {x, gamma, constant(found.moments.mean), constant(found.moments.var), constant(found.taps),
                found.x_at_maxima.defined() ? constant(found.x_at_maxima) : Tensor()},
      .backward = [how, window](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        return backward_of_max_pool(grad, saved, needs, how, window);
      },
  });
  return {std::move(y), std::move(found.moments)};
}

}  // namespace evenkeel
