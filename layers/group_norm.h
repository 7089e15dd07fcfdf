#pragma once

#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/initializer.h>
#include <evenkeel/layers/layer.h>
#include <evenkeel/layers/options.h>
#include <evenkeel/layers/running_statistics.h>

#include <optional>
#include <string>

namespace evenkeel {

/// Group normalization (Wu and He 2018): the channels of each sample are normalized in num_groups groups of
/// neighbours, y = (x - mean) / sqrt(var + eps) * weight + bias with the mean and biased variance of the
/// group and a weight and bias for each channel; alike in training and in evaluation. Input [N, C, ...] of
/// rank 2 or more (NHWC: [N, ..., C]). Parameters, where `affine`: weight and, where `bias`, bias
/// [num_channels].
class GroupNorm final : public Layer {
 public:
  struct Options {
    Required<std::int64_t> num_groups, num_channels;
    double eps = 1e-5;
    bool affine = true;
    bool bias = true;  ///< where affine
    /// As PyTorch false refuses input that is a single group of one value; there MindSpore gives beta.
    SingleValue allow_single_value = false;
    Initializer gamma_init = init::ones(), beta_init = init::zeros();
    DataFormat data_format = DataFormat::NCHW;
    DType dtype = DType::float32;
  };
  /// Throws ArgumentError for num_groups that is not positive or does not divide num_channels, and a negative
  /// eps.
  explicit GroupNorm(const Options& given, Rng& rng = default_rng());

  void fields(FieldVisitor& f) override;
  std::string details() const override;
  bool skips_weight_decay() const override { return true; }
  /// weight and bias as they were at first.
  void reset_parameters(Rng& rng = default_rng());

  const Options options;
  std::optional<Parameter> weight, bias;

 protected:
  /// Throws ArgumentError for a rank below 2 and another number of channels or dtype.
  Tensor forward(const Tensor& x) override;
};

}  // namespace evenkeel
