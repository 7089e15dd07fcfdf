#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/group_norm.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/layer_norm.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <algorithm>

namespace evenkeel::testing {
namespace {

constexpr auto rows = MemoryOrder::row_major;

std::int64_t channels_of(const Shape& shape, DataFormat format) {
  return format == DataFormat::NHWC && shape.rank() > 2 ? shape[shape.rank() - 1] : shape[1];
}

AnyLayer make_batch_norm(const Shape& shape, const NormSettings& s) {
  const BatchNormOptions options{.num_features = channels_of(shape, s.data_format),
                                 .eps = s.eps,
                                 .data_format = s.data_format,
                                 .dtype = s.dtype};
  if (shape.rank() == 5) return BatchNorm3d(options);
  if (shape.rank() == 4) return BatchNorm2d(options);
  return BatchNorm1d(options);
}
AnyLayer make_instance_norm(const Shape& shape, const NormSettings& s) {
  const InstanceNormOptions options{.num_features = channels_of(shape, s.data_format),
                                    .eps = s.eps,
                                    .affine = true,
                                    .data_format = s.data_format,
                                    .dtype = s.dtype};
  if (shape.rank() == 5) return InstanceNorm3d(options);
  if (shape.rank() == 4) return InstanceNorm2d(options);
  return InstanceNorm1d(options);
}
AnyLayer make_group_norm(const Shape& shape, const NormSettings& s) {
  return GroupNorm({.num_groups = 2,
                    .num_channels = channels_of(shape, s.data_format),
                    .eps = s.eps,
                    .data_format = s.data_format,
                    .dtype = s.dtype});
}
AnyLayer make_layer_norm(const Shape& shape, const NormSettings& s) {
  return LayerNorm({.normalized_shape = Shape(shape.dims().subspan(1)), .eps = s.eps, .dtype = s.dtype});
}

}  // namespace

const std::vector<Norm>& norms() {
  static const std::vector<Norm> all{
      {"BatchNorm", make_batch_norm, [](const Shape& s) { return norm_case("", s, rows).how; }},
      {"InstanceNorm", make_instance_norm, [](const Shape& s) { return norm_case("", s, rows, s[1]).how; }},
      {"GroupNorm", make_group_norm, [](const Shape& s) { return norm_case("", s, rows, 2).how; }},
      {"LayerNorm", make_layer_norm, [](const Shape& s) { return layer_case(s, 1, 1).how; }},
  };
  return all;
}

void randomize(const Module& layer, unsigned seed) {
  for (const auto& [name, parameter] : layer.named_parameters()) {
    const double mean = name.ends_with("weight") ? 1 : 0;
    parameter.mutable_value().assign(
        random_values(parameter.shape(), parameter.dtype(), rows, seed++, mean, 0.4));
  }
}

bool same_state(const State& a, const State& b) {
  return std::ranges::equal(a, b, [](const auto& one, const auto& other) {
    return one.first == other.first && same_bits(one.second, other.second);
  });
}

Array value_of(const Module& layer, const std::string& name) {
  for (const auto& [own, value] : layer.state())
    if (own == name) return value;
  fail("value_of: no ", name);
}

}  // namespace evenkeel::testing
