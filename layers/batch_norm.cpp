#include <evenkeel/autograd/ops/pool_parts.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/norm_input.h>

namespace evenkeel {
namespace {

/// The moments of batch i, of several.
Moments part_of(const Moments& all, std::int64_t i, std::int64_t batches) {
  if (batches == 1) return all;
  const auto channels = all.mean.size() / batches;
  const auto part = [&](const Array& a) {
    return Array::from(
        a.data<double>().subspan(static_cast<std::size_t>(i * channels), static_cast<std::size_t>(channels)),
        {channels});
  };
  return {part(all.mean), part(all.var), all.count};
}

Tensor if_pooled(const Tensor& y, const MaxPool2dOptions* pool) { return pool ? max_pool2d(y, *pool) : y; }

}  // namespace

Tensor BatchNorm::forward(const Tensor& x) { return normalized(x, nullptr); }

Tensor BatchNorm::max_pooled(const Tensor& x, const MaxPool2dOptions& pool) {
  check(pool.data_format == options.data_format, name(),
        ": max_pooled expected pooling in the layer's data_format ", options.data_format, ", got ",
        pool.data_format);
  MaxPool2dOptions in_nchw = pool;
  in_nchw.data_format = DataFormat::NCHW;
  return normalized(x, &in_nchw);
}

Tensor BatchNorm::normalized(const Tensor& x, const MaxPool2dOptions* pool) {
  const auto rank = x.shape().rank();
  check(rank == rank_ || (or_less_ && rank + 1 == rank_), name(), ": expected ", or_less_ ? "2D or " : "",
        rank_, "D input (got ", rank, "D input) ", x.shape());
  check_input(x);
  if (!weight && !running)
    check_channels(name(), "num_features", options.num_features, options.data_format, x.shape());
  const bool use_batch = !running || batch_statistics == BatchStatistics::always ||
                         (batch_statistics == BatchStatistics::automatic && is_training());
  return in_channels_first(options.data_format, x, [&](const Tensor& channels_first) {
    return use_batch ? by_batch(channels_first, pool) : if_pooled(normalize_by_running(channels_first), pool);
  });
}

Tensor BatchNorm::by_batch(const Tensor& x, const MaxPool2dOptions* pool) {
  check(options.eps > 0, name(), ": eps must be positive during training, got ", options.eps);
  const auto size = options.ghost_batch_size;
  if (is_training() && size != 0 && x.shape()[0] > size) return if_pooled(by_ghost_batches(x), pool);
  const auto [y, moments] = pool ? pooled_by_moments_of(x, *pool) : by_moments_of(x, 1);
  learn(moments);
  return y;
}

Normalized BatchNorm::pooled_by_moments_of(const Tensor& x, const MaxPool2dOptions& pool) const {
  if (Tensor y = if_single_values(x, 1); y.defined()) return {max_pool2d(y, pool), {}};
  return normalize_max_pool2d(x, tensor_of(weight), tensor_of(bias), by_channel(x), window_of(pool));
}

Tensor BatchNorm::by_ghost_batches(const Tensor& x) {
  const auto samples = x.shape()[0], size = options.ghost_batch_size;
  const auto whole = samples / size * size;
  const bool all = whole == samples;
  const auto [y, moments] = by_moments_of(all ? x : slice(x, {.end = whole}), samples / size);
  if (all) {
    learn(moments);
    return y;
  }
  const auto [rest, moments_of_rest] = by_moments_of(slice(x, {.begin = whole}), 1);  // may refuse
  learn(moments);
  learn(moments_of_rest);
  return reorder(concat({y, rest}), x.stored().order());
}

Normalized BatchNorm::by_moments_of(const Tensor& x, std::int64_t batches) const {
  if (Tensor y = if_single_values(x, batches); y.defined()) return {y, {}};
  Normalization how = by_channel(x);
  how.moments.blocks = batches;
  return normalize(x, tensor_of(weight), tensor_of(bias), how);
}

Tensor BatchNorm::if_single_values(const Tensor& x, std::int64_t batches) const {
  const auto channels = x.shape()[1];
  return channels > 0 && x.size() == channels * batches ? of_single_values(x, "value per channel") : Tensor();
}

void BatchNorm::learn(const Moments& moments) {
  const bool moves = batch_statistics == BatchStatistics::always || (is_training() && track_running_stats);
  if (!moves || !running || !moments.mean.defined() || !BufferUpdates::on) return;
  const auto batches = options.num_features == 0 ? 1 : moments.mean.size() / options.num_features;
  for (std::int64_t i = 0; i < batches; ++i) take_in(part_of(moments, i, batches));
}

}  // namespace evenkeel
