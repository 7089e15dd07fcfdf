#pragma once

#include <evenkeel/layers/initializer.h>
#include <evenkeel/layers/layer.h>
#include <evenkeel/layers/options.h>

namespace evenkeel {

/// y = x weight^T + bias for x [..., in_features], also without a batch. Parameters: weight [out_features,
/// in_features], bias [out_features].
class Linear final : public Layer {
 public:
  struct Options {
    Required<std::int64_t> in_features, out_features;
    bool bias = true;
    Initializer weight_init = init::torch_weight();
    std::optional<Initializer> bias_init = {};  ///< unless given: init::torch_bias
    DType dtype = DType::float32;
  };
  /// Throws ArgumentError for a negative number of features.
  explicit Linear(const Options& given, Rng& rng = default_rng());

  void fields(FieldVisitor& f) override;
  std::int64_t multiply_adds(const Tensor& x, const Tensor& y) const override;

  const Options options;
  Parameter weight;
  std::optional<Parameter> bias;

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace evenkeel
