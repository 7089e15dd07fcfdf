#pragma once

#include <evenkeel/layers/running_norm.h>

namespace evenkeel {

/// As BatchNormOptions, with PyTorch's defaults.
struct InstanceNormOptions {
  Required<std::int64_t> num_features;
  double eps = 1e-5;
  Momentum momentum = Momentum::torch(0.1);
  bool affine = false;
  bool bias = true;  ///< where affine
  bool track_running_stats = false;
  BatchStatistics batch_statistics = BatchStatistics::automatic;
  RunningVariance running_variance = RunningVariance::unbiased;
  SingleValue allow_single_value = false;
  Initializer gamma_init = init::ones(), beta_init = init::zeros();
  Initializer running_mean_init = init::zeros(), running_var_init = init::ones();
  DataFormat data_format = DataFormat::NCHW;
  DType dtype = DType::float32;
};

/// Instance normalization (Ulyanov et al. 2016): every channel of every sample has statistics of its own.
/// Parameters and buffers are RunningNorm's.
///
/// In training, and without `track_running_stats` always, it normalizes by the statistics of the instance;
/// where there are running statistics these move, by the means over the batch of the instances' means and
/// variances. Tracked and in evaluation it normalizes by the running ones. As in PyTorch num_batches_tracked
/// never counts and a cumulative momentum never moves anything; `track_running_stats = false` after
/// construction makes evaluation use and move the statistics as training does, `true` without buffers makes
/// evaluation an error. `batch_statistics` overrides this: `always` as in training, `never` as in evaluation.
///
/// Throws ArgumentError, before anything moves, for another rank or dtype; for another number of channels,
/// which is only logged where the layer holds nothing of that size (PyTorch warns); for one spatial element
/// where the instance's statistics are used, unless `allow_single_value`; for a negative running_var where
/// the running ones are.
class InstanceNorm : public RunningNorm {
 public:
  bool has_moving_statistics() const override { return running && !momentum.is_cumulative(); }
  Moments learned_from(const Moments& batch) const override { return batch; }
  bool counts_batches() const override { return false; }
  /// Of input with a batch.
  std::size_t rank() const { return rank_; }

 protected:
  /// Input of rank `rank`, or without a batch of one less.
  InstanceNorm(std::string_view layer, const InstanceNormOptions& given, Rng& rng, std::size_t rank);
  InstanceNorm(InstanceNorm&&) = default;
  Tensor forward(const Tensor& x) override;
  Moments pooled(const Moments& a, const Moments& b) const override;

 private:
  Tensor forward_batched(const Tensor& x);
  Tensor by_instance(const Tensor& x);

  std::size_t rank_;
};

/// For [N, C, L] and [C, L] (NHWC: [N, L, C], [L, C]).
class InstanceNorm1d final : public InstanceNorm {
 public:
  using Options = InstanceNormOptions;
  explicit InstanceNorm1d(const Options& given, Rng& rng = default_rng())
      : InstanceNorm("InstanceNorm1d", given, rng, 3) {}
};

/// For images [N, C, H, W] and [C, H, W] (NHWC: [N, H, W, C], [H, W, C]).
class InstanceNorm2d final : public InstanceNorm {
 public:
  using Options = InstanceNormOptions;
  explicit InstanceNorm2d(const Options& given, Rng& rng = default_rng())
      : InstanceNorm("InstanceNorm2d", given, rng, 4) {}
};

/// For volumes [N, C, D, H, W] and [C, D, H, W] (NHWC: [N, D, H, W, C], [D, H, W, C]).
class InstanceNorm3d final : public InstanceNorm {
 public:
  using Options = InstanceNormOptions;
  explicit InstanceNorm3d(const Options& given, Rng& rng = default_rng())
      : InstanceNorm("InstanceNorm3d", given, rng, 5) {}
};

}  // namespace evenkeel
