#pragma once

#include <evenkeel/autograd/ops/conv.h>
#include <evenkeel/layers/initializer.h>
#include <evenkeel/layers/layer.h>
#include <evenkeel/layers/options.h>

namespace evenkeel {

/// A 2-D convolution of images [N, C, H, W] or [C, H, W] ([N, H, W, C] or [H, W, C] for NHWC); see conv2d.
/// Parameters, in either format: weight [out_channels, in_channels / groups, KH, KW], bias [out_channels].
class Conv2d final : public Layer {
 public:
  struct Options {
    Required<std::int64_t> in_channels, out_channels;
    Size2 kernel_size, stride = 1, padding = 0, dilation = 1;
    std::int64_t groups = 1;
    bool bias = true;
    Initializer weight_init = init::torch_weight();
    std::optional<Initializer> bias_init = {};  ///< unless given: init::torch_bias
    DataFormat data_format = DataFormat::NCHW;
    std::optional<Conv2dAlgorithm> algorithm = {};  ///< unless given: default_conv2d_algorithm()
    DType dtype = DType::float32;
  };
  /// Throws ArgumentError for sizes that are not positive, a negative padding, and channels that groups does
  /// not divide.
  explicit Conv2d(const Options& given, Rng& rng = default_rng());

  void fields(FieldVisitor& f) override;
  std::string details() const override;
  std::int64_t multiply_adds(const Tensor& x, const Tensor& y) const override;

  const Options options;
  Parameter weight;
  std::optional<Parameter> bias;

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace evenkeel
