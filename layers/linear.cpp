#include <evenkeel/autograd/ops/linear.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/linear.h>

namespace evenkeel {
namespace {

const Linear::Options& checked(const Linear::Options& o) {
  check(o.in_features >= 0 && o.out_features >= 0, "Linear: in_features (", o.in_features.value,
        ") and out_features (", o.out_features.value, ") must not be negative");
  return o;
}

}  // namespace

Linear::Linear(const Options& given, Rng& rng)
    : options(checked(given)),
      weight(options.weight_init({options.out_features, options.in_features}, options.dtype, rng)),
      bias(parameter_if(options.bias, options.bias_init.value_or(init::torch_bias(weight.shape())),
                        {options.out_features}, options.dtype, rng)) {}

void Linear::fields(FieldVisitor& f) {
  f("weight", weight);
  f("bias", bias);
}

std::int64_t Linear::multiply_adds(const Tensor&, const Tensor& y) const {
  return y.size() * options.in_features;
}

Tensor Linear::forward(const Tensor& x) {
  const Shape& shape = x.shape();
  check(shape.rank() > 0 && shape[shape.rank() - 1] == options.in_features,
        "Linear: expected an input that ends in in_features (", options.in_features.value, "), got ",
        x.dtype(), ' ', shape);
  check_dtype(x, weight);
  return linear(x, weight, tensor_of(bias));
}

}  // namespace evenkeel
