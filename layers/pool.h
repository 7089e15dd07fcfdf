#pragma once
/// Pooling over images [N, C, H, W] or [C, H, W] ([..., H, W, C] for NHWC), as PyTorch's. The constructors
/// throw ArgumentError for sizes that are not positive and for more than half a kernel of padding.

#include <evenkeel/autograd/ops/pool.h>
#include <evenkeel/layers/layer.h>

namespace evenkeel {

/// The largest element of each window; see max_pool2d.
class MaxPool2d final : public Layer {
 public:
  using Options = MaxPool2dOptions;
  explicit MaxPool2d(const Options& given);
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override;
};

/// The mean of each window; see avg_pool2d.
class AvgPool2d final : public Layer {
 public:
  using Options = AvgPool2dOptions;
  explicit AvgPool2d(const Options& given);
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override;
};

/// The means over a grid of output_size; see adaptive_avg_pool2d.
class AdaptiveAvgPool2d final : public Layer {
 public:
  using Options = AdaptiveAvgPool2dOptions;
  explicit AdaptiveAvgPool2d(const Options& given);
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace evenkeel
