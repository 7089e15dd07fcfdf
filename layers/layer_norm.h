#pragma once

#include <evenkeel/layers/initializer.h>
#include <evenkeel/layers/layer.h>
#include <evenkeel/layers/options.h>

#include <optional>
#include <string>

namespace evenkeel {

/// Layer normalization (Ba, Kiros and Hinton 2016): y = (x - mean) / sqrt(var + eps) * weight + bias with the
/// mean and biased variance over the last axes of x, those of normalized_shape, and a weight and bias for
/// each element of them; alike in training and in evaluation. Parameters, where `elementwise_affine`: weight
/// and, where `bias`, bias [normalized_shape].
class LayerNorm final : public Layer {
 public:
  struct Options {
    Required<Shape> normalized_shape;
    double eps = 1e-5;
    bool elementwise_affine = true;
    bool bias = true;  ///< where elementwise_affine
    /// MindSpore's: the statistics are those over the axes from begin_norm_axis on, weight and bias belong to
    /// those from begin_params_axis on, as many elements as normalized_shape has. -1 is the last axis. Unless
    /// given: where normalized_shape begins.
    std::optional<std::int64_t> begin_norm_axis = {}, begin_params_axis = {};
    Initializer gamma_init = init::ones(), beta_init = init::zeros();
    DType dtype = DType::float32;
  };
  /// Throws ArgumentError for an empty normalized_shape, a negative eps, and axes below -1.
  explicit LayerNorm(const Options& given, Rng& rng = default_rng());

  void fields(FieldVisitor& f) override;
  std::string details() const override;
  bool skips_weight_decay() const override { return true; }
  /// weight and bias as they were at first.
  void reset_parameters(Rng& rng = default_rng());

  const Options options;
  std::optional<Parameter> weight, bias;

 protected:
  /// Throws ArgumentError for x that does not end in normalized_shape, and for another dtype.
  Tensor forward(const Tensor& x) override;
};

}  // namespace evenkeel
