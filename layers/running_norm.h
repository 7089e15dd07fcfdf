#pragma once

#include <evenkeel/autograd/ops/normalize.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/initializer.h>
#include <evenkeel/layers/layer.h>
#include <evenkeel/layers/options.h>
#include <evenkeel/layers/running_statistics.h>

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace evenkeel {

/// The options of batch normalization, and all that instance normalization has.
struct BatchNormOptions {
  Required<std::int64_t> num_features;       ///< channels, C
  double eps = 1e-5;                         ///< added to the variance
  Momentum momentum = Momentum::torch(0.1);  ///< of the running statistics
  bool affine = true;                        ///< whether there are weight (gamma) and bias (beta)
  bool bias = true;                          ///< false: a weight alone
  bool track_running_stats = true;           ///< whether there are running statistics
  BatchStatistics batch_statistics = BatchStatistics::automatic;
  RunningVariance running_variance = RunningVariance::unbiased;
  SingleValue allow_single_value = false;  ///< in training, where a group is one value
  /// In training so many samples are normalized at a time, as if they were a batch (Hoffer et al. 2017); the
  /// last ones may be fewer. 0: the whole batch.
  std::int64_t ghost_batch_size = 0;
  Initializer gamma_init = init::ones(), beta_init = init::zeros();
  Initializer running_mean_init = init::zeros(), running_var_init = init::ones();
  DataFormat data_format = DataFormat::NCHW;  ///< NHWC: shapes are [N, ..., C]
  DType dtype = DType::float32;
};

struct FreezeOptions {
  bool affine = true;  ///< whether weight and bias stop training too
};

/// What batch and instance normalization share: y = (x - mean) / sqrt(var + eps) * weight + bias, channel by
/// channel, in training by the batch's own statistics and in evaluation by running ones.
///
/// Parameters, where `affine`: weight (gamma) [num_features] and, where `bias`, bias (beta) [num_features].
/// Buffers, where `track_running_stats`: running_mean, running_var [num_features], num_batches_tracked [].
class RunningNorm : public Layer {
 public:
  void fields(FieldVisitor& f) override;
  std::string details() const override;
  bool skips_weight_decay() const override { return true; }

  /// The running statistics as they were at first; no batch counts.
  void reset_running_stats(Rng& rng = default_rng());
  /// That, and weight and bias as they were at first.
  void reset_parameters(Rng& rng = default_rng());

  /// Whether there are running statistics, and training moves them. Those of an InstanceNorm with a
  /// cumulative momentum, as mindspore::instance_norm2d has it, never move and mean nothing.
  virtual bool has_moving_statistics() const { return running.has_value(); }
  /// Until unfreeze(), whatever train() says: normalizes by the running statistics, which stay, and (see
  /// FreezeOptions) drops the gradients of weight and bias and wants no new ones. Throws ArgumentError unless
  /// has_moving_statistics().
  void freeze(FreezeOptions how = {});
  /// As it was before freeze().
  void unfreeze();
  bool is_frozen() const { return before_freeze_.has_value(); }

  /// As long as the returned moments live, the batches that would move the running statistics are pooled in
  /// them instead: for a BatchNorm exactly the moments of all the batches as one (see merge), for an
  /// InstanceNorm the mean over all samples. Throws ArgumentError while they are pooled already.
  std::shared_ptr<Moments> pool_batches();
  /// Moves the running statistics by what was pooled, as if it were one batch.
  void blend(const Moments& batch);
  /// What the running statistics take in of such moments: for a BatchNorm its mean and the variance that
  /// options.running_variance says.
  virtual Moments learned_from(const Moments& batch) const = 0;
  /// Whether num_batches_tracked counts the batches: a BatchNorm's does.
  virtual bool counts_batches() const = 0;

  /// As constructed. What may change later are the three members below.
  const BatchNormOptions options;
  /// As PyTorch's attributes of these names: switching `track_running_stats` makes or drops no buffers.
  /// Without it, training leaves the running statistics; what evaluation then does is said at the two
  /// families.
  bool track_running_stats;
  Momentum momentum;
  BatchStatistics batch_statistics;

  std::optional<Parameter> weight, bias;
  std::optional<RunningStatistics> running;

 protected:
  /// Throws ArgumentError, starting with `layer`, for a negative number of features or eps.
  RunningNorm(std::string_view layer, const BatchNormOptions& given, Rng& rng);
  RunningNorm(RunningNorm&&) = default;

  std::string_view name() const { return name_; }
  /// Throws unless dtype and channels of x, which has a batch, fit everything the layer holds.
  void check_input(const Tensor& x) const;
  /// By the running statistics; x is [N, C, ...]. Throws where a variance is negative: nothing sensible is
  /// left to compute. A NaN spreads.
  Tensor normalize_by_running(const Tensor& x) const;
  /// Channel by channel over the whole of x, [N, C, ...].
  Normalization by_channel(const Tensor& x) const;
  /// What `allow_single_value` makes of x where each group is one value; undefined: it is to be normalized.
  /// `what` names the value in PyTorch's words.
  Tensor of_single_values(const Tensor& x, std::string_view what) const;
  /// Moves the running statistics by a batch, or pools it.
  void take_in(const Moments& batch);
  virtual Moments pooled(const Moments& a, const Moments& b) const = 0;

 private:
  struct BeforeFreeze {
    BatchStatistics batch_statistics;
    bool weight, bias;  ///< whether they were training
  };

  std::string_view name_;
  std::optional<BeforeFreeze> before_freeze_;
  std::weak_ptr<Moments> pool_;
};

/// Those of a net, each once.
std::vector<RunningNorm*> running_norms(const Module& net);

}  // namespace evenkeel
