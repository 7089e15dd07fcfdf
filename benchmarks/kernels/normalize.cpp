#include <evenkeel/benchmarks/kernels/measure.h>
#include <evenkeel/core/kernels/normalize.h>

#include <utility>
#include <vector>

namespace evenkeel::benchmarks {
namespace {

std::vector<std::pair<std::string, Normalization>> normalizations_of(const Array& x) {
  const Groups channels = groups_of_channels(x);
  const auto order = x.order();
  std::vector<std::pair<std::string, Normalization>> all{
      {"batch", {.moments = channels, .affine = channels, .order = order}},
      {"batch_eval", {.moments = channels, .affine = channels, .moments_of_input = false, .order = order}},
      {"group", {.moments = groups_of_samples(x, 8), .affine = channels, .order = order}}};
  if (x.shape().rank() > 2)
    all.push_back(
        {"instance", {.moments = groups_of_samples(x, x.shape()[1]), .affine = channels, .order = order}});
  const auto size = x.shape().count(1);
  if (order == MemoryOrder::row_major)
    all.push_back({"layer", {.moments = {1, x.shape()[0], size}, .affine = {1, size, 1}}});
  return all;
}

void measure_one(const std::string& name, const Array& x, const Normalization& how) {
  const Array gamma = values({how.affine.total()}), beta = values({how.affine.total()}),
              dy = values(x.shape(), x.order());
  const Moments moments = kernels::moments(x, how.moments);
  if (how.moments_of_input) {
    measure({"normalize", name}, {.bytes = bytes_of(x.shape(), 2)},
            [=] { keep(kernels::normalize(x, gamma, beta, how).output); });
    measure({"moments", name}, {.bytes = bytes_of(x.shape(), 1)},
            [=] { keep(kernels::moments(x, how.moments).mean); });
  } else {
    measure({"normalize", name}, {.bytes = bytes_of(x.shape(), 2)},
            [=] { keep(kernels::normalize(x, gamma, beta, moments, how)); });
  }
  measure({"normalize_backward", name}, {.bytes = bytes_of(x.shape(), 3)},
          [=] { keep(kernels::normalize_backward(dy, x, gamma, moments.mean, moments.var, how, {}).x); });
}

}  // namespace

void measure_normalize() {
  for (const Shape& shape : {Shape{32, 64, 56, 56}, {128, 16, 32, 32}, {16, 256, 14, 14}, {64, 512}})
    for (const auto order : both_orders) {
      if (shape.rank() != 4 && order == MemoryOrder::channels_last) continue;
      const Array x = values(shape, order);
      for (const auto& [kind, how] : normalizations_of(x))
        measure_one(joined({kind, text(shape), text(order)}), x, how);
    }
}

}  // namespace evenkeel::benchmarks
