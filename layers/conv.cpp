#include <evenkeel/core/check.h>
#include <evenkeel/layers/conv.h>

#include <sstream>

namespace evenkeel {
namespace {

const Conv2d::Options& checked(const Conv2d::Options& o) {
  const std::int64_t in = o.in_channels, out = o.out_channels;
  check(in > 0, "Conv2d: in_channels must be positive, got ", in);
  check(out > 0, "Conv2d: out_channels must be positive, got ", out);
  check(o.groups > 0, "Conv2d: groups must be positive, got ", o.groups);
  check(in % o.groups == 0, "Conv2d: in_channels (", in, ") must be divisible by groups (", o.groups, ')');
  check(out % o.groups == 0, "Conv2d: out_channels (", out, ") must be divisible by groups (", o.groups, ')');
  Window{o.kernel_size, o.stride, o.padding, o.dilation}.check_sizes("Conv2d");
  return o;
}

Shape weight_shape(const Conv2d::Options& o) {
  return {o.out_channels, o.in_channels / o.groups, o.kernel_size.height, o.kernel_size.width};
}

}  // namespace

Conv2d::Conv2d(const Options& given, Rng& rng)
    : options(checked(given)),
      weight(options.weight_init(weight_shape(options), options.dtype, rng)),
      bias(parameter_if(options.bias, options.bias_init.value_or(init::torch_bias(weight.shape())),
                        {options.out_channels}, options.dtype, rng)) {}

void Conv2d::fields(FieldVisitor& f) {
  f("weight", weight);
  f("bias", bias);
}

std::string Conv2d::details() const {
  const auto& o = options;
  std::ostringstream text;
  text << "stride=" << o.stride << ", padding=" << o.padding;
  if (o.dilation != Size2(1)) text << ", dilation=" << o.dilation;
  if (o.groups != 1) text << ", groups=" << o.groups;
  if (o.data_format != DataFormat::NCHW) text << ", data_format=" << o.data_format;
  return text.str();
}

std::int64_t Conv2d::multiply_adds(const Tensor&, const Tensor& y) const {
  return y.size() * weight.shape().count(1);
}

Tensor Conv2d::forward(const Tensor& x) {
  const auto& o = options;
  const Shape& shape = x.shape();
  const auto rank = shape.rank();
  check(rank == 3 || rank == 4, "Conv2d: expected 4D input (got ", rank, "D input) ", shape,
        "; 3D without a batch is fine too");
  const auto channels = shape[o.data_format == DataFormat::NCHW ? rank - 3 : rank - 1];
  check(channels == o.in_channels, "Conv2d: expected ", o.in_channels.value, " channels, got ", channels,
        " in ", o.data_format, " input ", shape);
  check_dtype(x, weight);
  return conv2d(x, weight, tensor_of(bias),
                {o.stride, o.padding, o.dilation, o.groups, o.data_format, o.algorithm});
}

}  // namespace evenkeel
