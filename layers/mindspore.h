#pragma once
/// Normalization in MindSpore's dialect: its argument names, defaults and checks (release 2.10), and layers
/// that do as its layers do. They are the classes of batch_norm.h, instance_norm.h, group_norm.h and
/// layer_norm.h with these settings:
///
/// - A MindSpore Cell starts in inference mode, and so do they: call train() first.
/// - `momentum` of BatchNorm weighs the old value (0.9).
/// - `affine = false` keeps gamma and beta as they start, `requires_grad` false; they still apply.
/// - One value to a group gives beta, without an error. In training BatchNorm takes a variance of 0 for it,
/// as
///   on Ascend (MindSpore on a CPU makes its moving variance NaN).
/// - The moving variance is unbiased, as on every device since 2.5; `running_variance` has the biased one of
///   MindSpore up to 2.4 on a CPU.
/// - data_format "NHWC" works (MindSpore: on a GPU only).
///
/// State names are PyTorch's: weight is gamma, bias beta, running_mean moving_mean, running_var
/// moving_variance.

#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/group_norm.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/layer_norm.h>

#include <optional>
#include <string>

namespace evenkeel::mindspore {

struct BatchNormOptions {
  Required<std::int64_t> num_features;  ///< at least 1
  double eps = 1e-5;                    ///< in (0, 1]
  double momentum = 0.9;                ///< weight of the old value, in [0, 1]
  bool affine = true;
  Initializer gamma_init = "ones", beta_init = "zeros";
  Initializer moving_mean_init = "zeros", moving_var_init = "ones";
  /// None: as is_training() says. true: by the batch, and moving the statistics, in inference too. false: by
  /// the moving statistics, which stay, in training too.
  std::optional<bool> use_batch_statistics = std::nullopt;
  std::string data_format = "NCHW";  ///< or "NHWC"
  DType dtype = DType::float32;
  RunningVariance running_variance = RunningVariance::unbiased;
};
/// Throw ArgumentError, starting with the function's name, for options out of range.
BatchNorm1d batch_norm1d(const BatchNormOptions& options, Rng& rng = default_rng());
BatchNorm2d batch_norm2d(const BatchNormOptions& options, Rng& rng = default_rng());
BatchNorm3d batch_norm3d(const BatchNormOptions& options, Rng& rng = default_rng());

struct InstanceNormOptions {
  Required<std::int64_t> num_features;  ///< at least 1
  double eps = 1e-5;                    ///< not negative
  double momentum = 0.1;  ///< in [0, 1]; without effect, as in MindSpore: the statistics never move
  bool affine = true;
  Initializer gamma_init = "ones", beta_init = "zeros";
  DType dtype = DType::float32;
};
/// By the statistics of the instance, in inference too. The moving statistics are there (0 and 1), as in
/// MindSpore's checkpoints, but nothing reads or moves them.
InstanceNorm1d instance_norm1d(const InstanceNormOptions& options, Rng& rng = default_rng());
InstanceNorm2d instance_norm2d(const InstanceNormOptions& options, Rng& rng = default_rng());
InstanceNorm3d instance_norm3d(const InstanceNormOptions& options, Rng& rng = default_rng());

struct GroupNormOptions {
  Required<std::int64_t> num_groups, num_channels;  ///< both at least 1
  double eps = 1e-5;                                ///< not negative
  bool affine = true;
  Initializer gamma_init = "ones", beta_init = "zeros";
  DType dtype = DType::float32;
};
GroupNorm group_norm(const GroupNormOptions& options, Rng& rng = default_rng());

struct LayerNormOptions {
  Required<Shape> normalized_shape;  ///< of gamma and beta
  /// The statistics are those over the axes from begin_norm_axis on; gamma and beta belong to those from
  /// begin_params_axis on. With the default a normalized_shape of several axes does not fit, as in MindSpore.
  std::int64_t begin_norm_axis = -1, begin_params_axis = -1;
  Initializer gamma_init = "ones", beta_init = "zeros";
  double epsilon = 1e-7;
  DType dtype = DType::float32;
};
LayerNorm layer_norm(const LayerNormOptions& options, Rng& rng = default_rng());

/// mindspore.mint.nn, which has PyTorch's conventions: its momentum weighs the new batch (none: cumulative),
/// the layers start in training mode.
namespace mint {

struct BatchNormOptions {
  Required<std::int64_t> num_features;
  double eps = 1e-5;
  std::optional<double> momentum = 0.1;
  bool affine = true, track_running_stats = true;
  DType dtype = DType::float32;
};
BatchNorm1d batch_norm1d(const BatchNormOptions& options, Rng& rng = default_rng());
BatchNorm2d batch_norm2d(const BatchNormOptions& options, Rng& rng = default_rng());
BatchNorm3d batch_norm3d(const BatchNormOptions& options, Rng& rng = default_rng());

struct GroupNormOptions {
  Required<std::int64_t> num_groups, num_channels;
  double eps = 1e-5;
  bool affine = true;
  DType dtype = DType::float32;
};
GroupNorm group_norm(const GroupNormOptions& options, Rng& rng = default_rng());

struct LayerNormOptions {
  Required<Shape> normalized_shape;
  double eps = 1e-5;
  bool elementwise_affine = true, bias = true;
  DType dtype = DType::float32;
};
LayerNorm layer_norm(const LayerNormOptions& options, Rng& rng = default_rng());

}  // namespace mint
}  // namespace evenkeel::mindspore
