#include <evenkeel/core/check.h>
#include <evenkeel/core/log.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/norm_input.h>

namespace evenkeel {
namespace {

BatchNormOptions as_settings(const InstanceNormOptions& o) {
  return {.num_features = o.num_features,
          .eps = o.eps,
          .momentum = o.momentum,
          .affine = o.affine,
          .bias = o.bias,
          .track_running_stats = o.track_running_stats,
          .batch_statistics = o.batch_statistics,
          .running_variance = o.running_variance,
          .allow_single_value = o.allow_single_value,
          .gamma_init = o.gamma_init,
          .beta_init = o.beta_init,
          .running_mean_init = o.running_mean_init,
          .running_var_init = o.running_var_init,
          .data_format = o.data_format,
          .dtype = o.dtype};
}

/// The mean over samples of what running statistics take in of each channel; it counts the samples.
Moments average_over_samples(const Moments& moments, std::int64_t channels, RunningVariance kind) {
  const Moments instances = taken_in(moments, kind);
  Moments average{Array({channels}, DType::float64), Array({channels}, DType::float64),
                  instances.mean.size() / channels};
  const auto mean = average.mean.mutable_data<double>(), var = average.var.mutable_data<double>();
  const auto means = instances.mean.data<double>(), vars = instances.var.data<double>();
  const auto samples = static_cast<double>(average.count);
  for (std::size_t i = 0; i < means.size(); ++i) {
    mean[i % mean.size()] += means[i] / samples;
    var[i % mean.size()] += vars[i] / samples;
  }
  return average;
}

}  // namespace

InstanceNorm::InstanceNorm(std::string_view layer, const InstanceNormOptions& given, Rng& rng,
                           std::size_t rank)
    : RunningNorm(layer, as_settings(given), rng), rank_(rank) {}

Tensor InstanceNorm::forward(const Tensor& x) {
  const auto rank = x.shape().rank();
  check(rank == rank_ || rank + 1 == rank_, name(), ": expected ", rank_ - 1, "D or ", rank_, "D input (got ",
        rank, "D input) ", x.shape());
  return rank == rank_ ? forward_batched(x) : squeeze(forward_batched(unsqueeze(x, 0)), 0);
}

Tensor InstanceNorm::forward_batched(const Tensor& x) {
  check_input(x);
  if (const auto channels = channels_of(options.data_format, x.shape());
      channels != options.num_features)  // and nothing minds
    log(LogLevel::warn, name(), ": num_features is ", options.num_features.value, ", got ", channels,
        " channels in input ", x.shape(), "; without affine and running statistics it makes no difference");
  const bool use_batch =
      batch_statistics == BatchStatistics::always ||
      (batch_statistics != BatchStatistics::never && (is_training() || !track_running_stats));
  check(use_batch || running, name(),
        ": expected running statistics in evaluation, but it was made without track_running_stats");
  return in_channels_first(options.data_format, x, [&](const Tensor& images) {
    return use_batch ? by_instance(images) : normalize_by_running(images);
  });
}

Tensor InstanceNorm::by_instance(const Tensor& x) {
  if (x.shape().count(2) == 1)
    if (Tensor y = of_single_values(x, "spatial element"); y.defined()) return y;
  Normalization how = by_channel(x);
  how.moments = groups_of_samples(x.stored(), x.shape()[1]);
  auto [y, moments] = normalize(x, tensor_of(weight), tensor_of(bias), how);
  if (BufferUpdates::on && x.size() > 0 && has_moving_statistics())
    take_in(average_over_samples(moments, x.shape()[1], options.running_variance));
  return y;
}

Moments InstanceNorm::pooled(const Moments& a, const Moments& b) const {
  const auto count = a.count + b.count;
  const double share = static_cast<double>(b.count) / static_cast<double>(count);
  const auto average = [&](const Array& of_a, const Array& of_b) {
    Array both = of_a.clone();
    const auto to = both.mutable_data<double>();
    const auto other = of_b.data<double>();
    for (std::size_t c = 0; c < to.size(); ++c) to[c] += share * (other[c] - to[c]);
    return both;
  };
  return {average(a.mean, b.mean), average(a.var, b.var), count};
}

}  // namespace evenkeel
