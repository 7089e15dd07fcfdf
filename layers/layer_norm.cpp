#include <evenkeel/autograd/ops/normalize.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/layer_norm.h>
#include <evenkeel/layers/norm_input.h>

#include <algorithm>
#include <sstream>

namespace evenkeel {
namespace {

const LayerNorm::Options& checked(const LayerNorm::Options& o) {
  const Shape& shape = o.normalized_shape.value;
  check(shape.rank() > 0,
        "LayerNorm: Expected normalized_shape to be at least 1-dimensional, i.e., containing at least one "
        "element, but got normalized_shape = ",
        shape);
  check_eps("LayerNorm", o.eps);
  for (const auto& axis : {o.begin_norm_axis, o.begin_params_axis})
    check(axis.value_or(0) >= -1,
          "LayerNorm: begin_norm_axis and begin_params_axis must lie in [-1, rank of the input), got ",
          axis.value_or(0));
  return o;
}

/// Where a suffix of the shape begins: at the given axis, or so that it has as many axes as normalized_shape.
std::size_t begin_of(const std::optional<std::int64_t>& axis, const LayerNorm::Options& o,
                     const Shape& shape) {
  if (!axis) return shape.rank() - o.normalized_shape.value.rank();
  check(*axis < static_cast<std::int64_t>(shape.rank()), "LayerNorm: no axis ", *axis, " in input ", shape);
  return shape.axis(*axis);
}

void check_ends_in(const Shape& shape, const Shape& normalized_shape) {
  const auto given = shape.dims(), expected = normalized_shape.dims();
  if (given.size() >= expected.size() && std::ranges::equal(given.last(expected.size()), expected)) return;
  std::ostringstream dims;
  for (const auto dim : expected) dims << ", " << dim;
  fail("LayerNorm: Given normalized_shape=", normalized_shape, ", expected input with shape [*", dims.str(),
       "], but got input of size ", shape);
}

/// [C, ...] as a channels-last sample has them in memory, [..., C].
Tensor in_channels_last(const Tensor& parameter, const Shape& shape) {
  if (!parameter.defined()) return parameter;
  return permute(reshape(parameter, Shape{shape[1], shape.count(2)}), {1, 0});
}

}  // namespace

LayerNorm::LayerNorm(const Options& given, Rng& rng)
    : options(checked(given)),
      weight(parameter_if(options.elementwise_affine, options.gamma_init, options.normalized_shape,
                          options.dtype, rng)),
      bias(parameter_if(options.elementwise_affine && options.bias, options.beta_init,
                        options.normalized_shape, options.dtype, rng)) {}

void LayerNorm::fields(FieldVisitor& f) {
  f("weight", weight);
  f("bias", bias);
}

std::string LayerNorm::details() const {
  std::ostringstream text;
  text << std::boolalpha << options.normalized_shape.value << ", eps=" << options.eps
       << ", elementwise_affine=" << weight.has_value() << ", bias=" << bias.has_value();
  if (options.begin_norm_axis) text << ", begin_norm_axis=" << *options.begin_norm_axis;
  if (options.begin_params_axis) text << ", begin_params_axis=" << *options.begin_params_axis;
  return text.str();
}

void LayerNorm::reset_parameters(Rng& rng) {
  reinitialize(weight, options.gamma_init, rng);
  reinitialize(bias, options.beta_init, rng);
}

Tensor LayerNorm::forward(const Tensor& x) {
  const Shape &shape = x.shape(), &normalized = options.normalized_shape.value;
  const auto &norm_axis = options.begin_norm_axis, &params_axis = options.begin_params_axis;
  if (!norm_axis || !params_axis) check_ends_in(shape, normalized);
  check_affine("LayerNorm", x, weight, bias, normalized);
  const auto scales = shape.count(begin_of(params_axis, options, shape));
  check(scales == normalized.count(), "LayerNorm: the product of gamma and beta's shape must be ", scales,
        " as begin_params_axis says of input ", shape, ", got normalized_shape ", normalized);
  const auto first = begin_of(norm_axis, options, shape);
  const auto group = shape.count(first);
  Normalization how{
      .moments = {1, group == 0 ? 1 : x.size() / group, group}, .affine = {1, scales, 1}, .eps = options.eps};
  Tensor gamma = tensor_of(weight), beta = tensor_of(bias);
  // Over all but N, the order within a sample does not matter: the parameters turn, and not the images.
  if (is_channels_last(x.stored()) && first == 1 && scales == group) {
    how.order = MemoryOrder::channels_last;
    gamma = in_channels_last(gamma, shape);
    beta = in_channels_last(beta, shape);
  }
  return normalize(x, gamma, beta, how).output;
}

}  // namespace evenkeel
