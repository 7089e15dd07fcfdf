#pragma once

#include <evenkeel/autograd/ops/pool.h>
#include <evenkeel/layers/running_norm.h>

namespace evenkeel {

/// Batch normalization (Ioffe and Szegedy 2015): the statistics of a channel are those over the batch and all
/// its pixels. Settings, parameters and buffers are RunningNorm's.
///
/// | training | running statistics | normalizes by | moves them |
/// |---|---|---|---|
/// | yes | tracked | batch (biased variance) | yes, and num_batches_tracked |
/// | no  | tracked | running | no |
/// | any | none | batch | - |
///
/// Input and parameters get gradients in every state. `track_running_stats = false` after construction:
/// training leaves the running statistics, evaluation still uses them (PyTorch). `batch_statistics` overrides
/// the table, as MindSpore's use_batch_statistics: `always` uses and moves in evaluation too, `never`
/// neither.
///
/// Throws ArgumentError, before anything moves (PyTorch has counted the batch by then), for another rank,
/// number of channels or dtype; for eps = 0 where the batch's statistics are used; for one value per channel
/// there, unless `allow_single_value`; for a negative running_var where running statistics are used. A batch
/// without elements is counted but moves no statistics.
class BatchNorm : public RunningNorm {
 public:
  Moments learned_from(const Moments& batch) const override {
    return taken_in(batch, options.running_variance);
  }
  bool counts_batches() const override { return true; }
  /// max_pool2d of what the layer makes of images x, with options in the same data_format. While it
  /// normalizes by the batch both are one op, with the bits of both in turn (but for the order in which
  /// gradients are added up, in double: see normalize_max_pool2d). Forward hooks do not see it.
  Tensor max_pooled(const Tensor& x, const MaxPool2dOptions& pool);

 protected:
  /// Input of rank `rank`; where `or_less`, an axis less is fine too.
  BatchNorm(std::string_view layer, const BatchNormOptions& given, Rng& rng, std::size_t rank,
            bool or_less = false)
      : RunningNorm(layer, given, rng), rank_(rank), or_less_(or_less) {}
  BatchNorm(BatchNorm&&) = default;
  Tensor forward(const Tensor& x) override;
  Moments pooled(const Moments& a, const Moments& b) const override { return merge(a, b); }

 private:
  /// These pool what they made unless `pool` is null. Its options are for NCHW.
  Tensor normalized(const Tensor& x, const MaxPool2dOptions* pool);
  Tensor by_batch(const Tensor& x, const MaxPool2dOptions* pool);
  Normalized pooled_by_moments_of(const Tensor& x, const MaxPool2dOptions& pool) const;
  Tensor by_ghost_batches(const Tensor& x);
  /// x taken for so many batches of one size.
  Normalized by_moments_of(const Tensor& x, std::int64_t batches) const;
  /// What single values per channel are to become; undefined where there are more, or where they are
  /// normalized.
  Tensor if_single_values(const Tensor& x, std::int64_t batches) const;
  /// Takes in these moments of one or more batches, where the running statistics are to move.
  void learn(const Moments& moments);

  std::size_t rank_;
  bool or_less_;
};

/// For [N, C] and [N, C, L] (NHWC: [N, L, C]).
class BatchNorm1d final : public BatchNorm {
 public:
  using Options = BatchNormOptions;
  explicit BatchNorm1d(const Options& given, Rng& rng = default_rng())
      : BatchNorm("BatchNorm1d", given, rng, 3, true) {}
};

/// For images [N, C, H, W] (NHWC: [N, H, W, C]).
class BatchNorm2d final : public BatchNorm {
 public:
  using Options = BatchNormOptions;
  explicit BatchNorm2d(const Options& given, Rng& rng = default_rng())
      : BatchNorm("BatchNorm2d", given, rng, 4) {}
};

/// For volumes [N, C, D, H, W] (NHWC: [N, D, H, W, C]).
class BatchNorm3d final : public BatchNorm {
 public:
  using Options = BatchNormOptions;
  explicit BatchNorm3d(const Options& given, Rng& rng = default_rng())
      : BatchNorm("BatchNorm3d", given, rng, 5) {}
};

}  // namespace evenkeel
