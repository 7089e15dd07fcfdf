#include <evenkeel/core/check.h>
#include <evenkeel/layers/mindspore.h>

#include <string_view>

namespace evenkeel::mindspore {
namespace {

void check_positive(std::string_view function, std::string_view option, std::int64_t value) {
  check(value > 0, "mindspore::", function, ": ", option, " must be at least 1, got ", value);
}

/// In inference mode, and with parameters that stay where there is no affine.
template <class L>
L as_cell(L layer, bool affine) {
  if (!affine) layer.set_requires_grad(false);
  layer.eval();
  return layer;
}

DataFormat format_of(std::string_view function, const std::string& name) {
  check(name == "NCHW" || name == "NHWC", "mindspore::", function,
        ": data_format must be in ['NCHW', 'NHWC'], got '", name, '\'');
  return name == "NCHW" ? DataFormat::NCHW : DataFormat::NHWC;
}

BatchStatistics statistics_of(std::optional<bool> use_batch_statistics) {
  if (!use_batch_statistics) return BatchStatistics::automatic;
  return *use_batch_statistics ? BatchStatistics::always : BatchStatistics::never;
}

template <class L>
L batch_norm(std::string_view function, const BatchNormOptions& o, Rng& rng) {
  check_positive(function, "num_features", o.num_features);
  check(o.momentum >= 0 && o.momentum <= 1, "mindspore::", function,
        ": momentum must be a number in range [0, 1], got ", o.momentum);
  check(o.eps > 0 && o.eps <= 1, "mindspore::", function, ": eps must be in range (0, 1], got ", o.eps);
  return as_cell(L({.num_features = o.num_features,
                    .eps = o.eps,
                    .momentum = Momentum::mindspore(o.momentum),
                    .batch_statistics = statistics_of(o.use_batch_statistics),
                    .running_variance = o.running_variance,
                    .allow_single_value = true,
                    .gamma_init = o.gamma_init,
                    .beta_init = o.beta_init,
                    .running_mean_init = o.moving_mean_init,
                    .running_var_init = o.moving_var_init,
                    .data_format = format_of(function, o.data_format),
                    .dtype = o.dtype},
                   rng),
                 o.affine);
}

/// A cumulative momentum is what keeps the statistics of an InstanceNorm in place.
template <class L>
L instance_norm(std::string_view function, const InstanceNormOptions& o, Rng& rng) {
  check_positive(function, "num_features", o.num_features);
  check(o.momentum >= 0 && o.momentum <= 1, "mindspore::", function,
        ": momentum must be a number in range [0, 1], got ", o.momentum);
  return as_cell(L({.num_features = o.num_features,
                    .eps = o.eps,
                    .momentum = Momentum::cumulative(),
                    .affine = true,
                    .track_running_stats = true,
                    .batch_statistics = BatchStatistics::always,
                    .allow_single_value = true,
                    .gamma_init = o.gamma_init,
                    .beta_init = o.beta_init,
                    .dtype = o.dtype},
                   rng),
                 o.affine);
}

}  // namespace

BatchNorm1d batch_norm1d(const BatchNormOptions& options, Rng& rng) {
  return batch_norm<BatchNorm1d>("batch_norm1d", options, rng);
}
BatchNorm2d batch_norm2d(const BatchNormOptions& options, Rng& rng) {
  return batch_norm<BatchNorm2d>("batch_norm2d", options, rng);
}
BatchNorm3d batch_norm3d(const BatchNormOptions& options, Rng& rng) {
  return batch_norm<BatchNorm3d>("batch_norm3d", options, rng);
}

InstanceNorm1d instance_norm1d(const InstanceNormOptions& options, Rng& rng) {
  return instance_norm<InstanceNorm1d>("instance_norm1d", options, rng);
}
InstanceNorm2d instance_norm2d(const InstanceNormOptions& options, Rng& rng) {
  return instance_norm<InstanceNorm2d>("instance_norm2d", options, rng);
}
InstanceNorm3d instance_norm3d(const InstanceNormOptions& options, Rng& rng) {
  return instance_norm<InstanceNorm3d>("instance_norm3d", options, rng);
}

GroupNorm group_norm(const GroupNormOptions& o, Rng& rng) {
  check_positive("group_norm", "num_groups", o.num_groups);
  check_positive("group_norm", "num_channels", o.num_channels);
  return as_cell(GroupNorm({.num_groups = o.num_groups,
                            .num_channels = o.num_channels,
                            .eps = o.eps,
                            .allow_single_value = true,
                            .gamma_init = o.gamma_init,
                            .beta_init = o.beta_init,
                            .dtype = o.dtype},
                           rng),
                 o.affine);
}

LayerNorm layer_norm(const LayerNormOptions& o, Rng& rng) {
  return as_cell(LayerNorm({.normalized_shape = o.normalized_shape,
                            .eps = o.epsilon,
                            .begin_norm_axis = o.begin_norm_axis,
                            .begin_params_axis = o.begin_params_axis,
                            .gamma_init = o.gamma_init,
                            .beta_init = o.beta_init,
                            .dtype = o.dtype},
                           rng),
                 true);
}

namespace mint {
namespace {

template <class L>
L batch_norm(const BatchNormOptions& o, Rng& rng) {
  return L({.num_features = o.num_features,
            .eps = o.eps,
            .momentum = o.momentum ? Momentum::torch(*o.momentum) : Momentum::cumulative(),
            .affine = o.affine,
            .track_running_stats = o.track_running_stats,
            .dtype = o.dtype},
           rng);
}

}  // namespace

BatchNorm1d batch_norm1d(const BatchNormOptions& options, Rng& rng) {
  return batch_norm<BatchNorm1d>(options, rng);
}
BatchNorm2d batch_norm2d(const BatchNormOptions& options, Rng& rng) {
  return batch_norm<BatchNorm2d>(options, rng);
}
BatchNorm3d batch_norm3d(const BatchNormOptions& options, Rng& rng) {
  return batch_norm<BatchNorm3d>(options, rng);
}

GroupNorm group_norm(const GroupNormOptions& o, Rng& rng) {
  return GroupNorm({.num_groups = o.num_groups,
                    .num_channels = o.num_channels,
                    .eps = o.eps,
                    .affine = o.affine,
                    .dtype = o.dtype},
                   rng);
}

LayerNorm layer_norm(const LayerNormOptions& o, Rng& rng) {
  return LayerNorm({.normalized_shape = o.normalized_shape,
                    .eps = o.eps,
                    .elementwise_affine = o.elementwise_affine,
                    .bias = o.bias,
                    .dtype = o.dtype},
                   rng);
}

}  // namespace mint
}  // namespace evenkeel::mindspore
