#include <evenkeel/autograd/ops/dropout.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>

namespace evenkeel {
namespace {

/// x where it is kept, scaled, else 0 (NaN for what is not finite, as in PyTorch): linear in x, and its own
/// adjoint.
Tensor kept(const Tensor& x, const Array& mask, double scale) {
  const Array& values = x.stored();
  const Array in_their_order = in_order(mask, values.order());
  Array out = Array::uninitialized(values.shape(), values.dtype(), values.order());
  dispatch_floating(values.dtype(), [&]<class T>() {
    const T factors[]{0, static_cast<T>(scale)};
    kernels::transform(
        out.size(), out.mutable_stored<T>().data(),
        [=](T v, std::uint8_t is_kept) { return v * factors[is_kept]; }, values.stored<T>().data(),
        in_their_order.stored<std::uint8_t>().data());
  });
  return record({
      .op = "dropout",
      .inputs = {x},
      .output = std::move(out),
      .saved = {constant(mask)},
      .backward = [scale](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {kept(grad, saved[0].stored(), scale)};
      },
  });
}

}  // namespace

Tensor dropout(const Tensor& x, const DropoutOptions& o, Rng& rng) {
  kernels::check_floating("dropout", x.stored());
  check(o.p >= 0 && o.p <= 1, "dropout: p must be between 0 and 1, got ", o.p);
  if (!o.training || o.p == 0) return x;
  const auto first = BufferUpdates::on ? rng.take(x.size()) : rng.position();
  const Array mask = kernels::generate(
      x.shape(), DType::uint8, [&](std::uint64_t i) { return rng.uniform(first + i) < o.p ? 0.0 : 1.0; });
  return kept(x, mask, o.p < 1 ? 1 / (1 - o.p) : 0);
}

}  // namespace evenkeel
