#include <evenkeel/core/check.h>
#include <evenkeel/layers/norm_input.h>

#include <cmath>

namespace evenkeel {

void check_eps(std::string_view layer, double eps) {
  check(eps >= 0 && std::isfinite(eps), layer, ": eps must be non-negative and finite, got ", eps);
}

void check_channels(std::string_view layer, std::string_view option, std::int64_t expected, DataFormat format,
                    const Shape& shape) {
  const auto channels = channels_of(format, shape);
  check(channels == expected, layer, ": expected ", expected, " channels (", option, "), got ", channels,
        " in ", format, " input ", shape);
}

void check_values(std::string_view layer, std::string_view name, const Array& values, const Shape& shape,
                  const Tensor& x) {
  if (!values.defined()) fail(layer, ": ", name, " is undefined; expected ", x.dtype(), ' ', shape);
  check(values.shape() == shape, layer, ": ", name, " should contain ", shape.count(), " elements, not ",
        values.size(), "; expected shape ", shape, ", got ", values.shape());
  check(values.dtype() == x.dtype(), layer, ": expected ", values.dtype(), " input as ", name, " is, got ",
        x.dtype(), ' ', x.shape(), "; convert one of them with to(dtype)");
}

void check_affine(std::string_view layer, const Tensor& x, const std::optional<Parameter>& weight,
                  const std::optional<Parameter>& bias, const Shape& shape) {
  check(is_floating(x.dtype()), layer, ": expected float32 or float64 input, got ", x.dtype(), ' ', x.shape(),
        "; use to(dtype)");
  if (weight) check_values(layer, "weight", weight->stored(), shape, x);
  if (bias) check_values(layer, "bias", bias->stored(), shape, x);
}

void fail_single_value(std::string_view layer, std::string_view what, const Shape& shape) {
  fail(layer, ": Expected more than 1 ", what, " when training, got input size ", shape,
       "; the option allow_single_value has other ways");
}

}  // namespace evenkeel
