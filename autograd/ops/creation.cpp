#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>

namespace evenkeel {
namespace {

TensorOptions like(const Tensor& x, const TensorOptions& options) {
  return {options.requires_grad, options.dtype.value_or(x.dtype())};
}

/// value(position) for consecutive positions of the generator.
template <class Value>
Tensor draw(std::string_view name, const Shape& shape, const TensorOptions& options, Rng& rng, Value value) {
  const auto dtype = options.dtype.value_or(DType::float32);
  check(is_floating(dtype), name, ": expected float32 or float64, got ", dtype);
  const auto first = rng.take(shape.count());
  return Tensor(kernels::generate(shape, dtype, [&](std::uint64_t i) { return value(first + i); }),
                options.requires_grad);
}

}  // namespace

Tensor zeros(const Shape& shape, const TensorOptions& options) { return full(shape, 0, options); }
Tensor ones(const Shape& shape, const TensorOptions& options) { return full(shape, 1, options); }
Tensor full(const Shape& shape, double value, const TensorOptions& options) {
  return Tensor(kernels::full(shape, options.dtype.value_or(DType::float32), value), options.requires_grad);
}

Tensor arange(std::int64_t n, const TensorOptions& options) {
  check(n >= 0, "arange: expected at least 0 elements, got ", n);
  return arange(0, n, 1, options);
}
Tensor arange(std::int64_t begin, std::int64_t end, std::int64_t step, const TensorOptions& options) {
  check(step != 0 && (step > 0 ? begin <= end : begin >= end), "arange: a step of ", step,
        " does not lead from ", begin, " to ", end);
  // In unsigned arithmetic: the distance may exceed what int64 holds.
  const auto u = [](std::int64_t n) { return static_cast<std::uint64_t>(n); };
  const auto distance = step > 0 ? u(end) - u(begin) : u(begin) - u(end),
             stride = step > 0 ? u(step) : -u(step);
  const auto count = distance / stride + (distance % stride != 0);
  check(count <= u(1) << 58, "arange: ", count, " elements are too many");
  Array values = Array::uninitialized({static_cast<std::int64_t>(count)}, DType::int64);
  const auto to = values.mutable_data<std::int64_t>();
  for (std::uint64_t i = 0; i < count; ++i) to[i] = static_cast<std::int64_t>(u(begin) + i * u(step));
  return Tensor(kernels::cast(values, options.dtype.value_or(DType::int64)), options.requires_grad);
}

Tensor randn(const Shape& shape, const TensorOptions& options, Rng& rng) {
  return draw("randn", shape, options, rng, [&](std::uint64_t position) { return rng.normal(position); });
}
Tensor rand(const Shape& shape, const TensorOptions& options, Rng& rng) {
  // A float32 just below 1 would round up to it.
  const bool narrow = options.dtype.value_or(DType::float32) == DType::float32;
  return draw("rand", shape, options, rng, [&](std::uint64_t position) {
    const double u = rng.uniform(position);
    return narrow ? static_cast<double>(static_cast<std::int64_t>(u * 0x1p24)) * 0x1p-24 : u;
  });
}

Tensor zeros_like(const Tensor& x, const TensorOptions& options) {
  return zeros(x.shape(), like(x, options));
}
Tensor ones_like(const Tensor& x, const TensorOptions& options) { return ones(x.shape(), like(x, options)); }
Tensor full_like(const Tensor& x, double value, const TensorOptions& options) {
  return full(x.shape(), value, like(x, options));
}
Tensor randn_like(const Tensor& x, const TensorOptions& options, Rng& rng) {
  return randn(x.shape(), like(x, options), rng);
}
Tensor rand_like(const Tensor& x, const TensorOptions& options, Rng& rng) {
  return rand(x.shape(), like(x, options), rng);
}

}  // namespace evenkeel
