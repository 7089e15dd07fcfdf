#include <evenkeel/autograd/ops/normalize.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/group_norm.h>
#include <evenkeel/layers/norm_input.h>

#include <sstream>

namespace evenkeel {
namespace {

const GroupNorm::Options& checked(const GroupNorm::Options& o) {
  const std::int64_t groups = o.num_groups, channels = o.num_channels;
  check(groups > 0, "GroupNorm: num_groups must be positive, got ", groups);
  check(channels >= 0, "GroupNorm: num_channels must not be negative, got ", channels);
  check(channels % groups == 0, "GroupNorm: num_channels (", channels, ") must be divisible by num_groups (",
        groups, ')');
  check(o.allow_single_value != SingleValue::running_statistics,
        "GroupNorm: SingleValue::running_statistics needs running statistics, which it has not");
  check_eps("GroupNorm", o.eps);
  return o;
}

}  // namespace

GroupNorm::GroupNorm(const Options& given, Rng& rng)
    : options(checked(given)),
      weight(parameter_if(options.affine, options.gamma_init, {options.num_channels}, options.dtype, rng)),
      bias(parameter_if(options.affine && options.bias, options.beta_init, {options.num_channels},
                        options.dtype, rng)) {}

void GroupNorm::fields(FieldVisitor& f) {
  f("weight", weight);
  f("bias", bias);
}

std::string GroupNorm::details() const {
  std::ostringstream text;
  text << std::boolalpha << options.num_groups.value << ", " << options.num_channels.value
       << ", eps=" << options.eps << ", affine=" << weight.has_value() << ", bias=" << bias.has_value();
  if (options.data_format == DataFormat::NHWC) text << ", data_format=NHWC";
  return text.str();
}

void GroupNorm::reset_parameters(Rng& rng) {
  reinitialize(weight, options.gamma_init, rng);
  reinitialize(bias, options.beta_init, rng);
}

Tensor GroupNorm::forward(const Tensor& x) {
  const Shape& shape = x.shape();
  check(shape.rank() >= 2, "GroupNorm: Expected at least 2 dimensions for input tensor but received ",
        shape.rank(), ", shape ", shape);
  check_channels("GroupNorm", "num_channels", options.num_channels, options.data_format, shape);
  check_affine("GroupNorm", x, weight, bias, {options.num_channels});
  if (x.size() == options.num_groups) {  // one value each
    if (options.allow_single_value == SingleValue::skip) return x;
    if (options.allow_single_value == SingleValue::error)
      fail_single_value("GroupNorm", "value per channel", shape);
  }
  return in_channels_first(options.data_format, x, [&](const Tensor& channels_first) {
    const Array& stored = channels_first.stored();
    return normalize(channels_first, tensor_of(weight), tensor_of(bias),
                     {groups_of_samples(stored, options.num_groups), groups_of_channels(stored), options.eps,
                      true, stored.order()})
        .output;
  });
}

}  // namespace evenkeel
