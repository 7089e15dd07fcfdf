#pragma once
/// Activations as layers; the ops of the same names say what they compute.

#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/layers/layer.h>
#include <evenkeel/layers/options.h>

namespace evenkeel {

/// max(x, 0).
class ReLU final : public Layer {
 protected:
  Tensor forward(const Tensor& x) override { return relu(x); }
  Tensor forward_over(Tensor&& x) override { return relu(std::move(x)); }
};

/// x * sigmoid(x).
class SiLU final : public Layer {
 protected:
  Tensor forward(const Tensor& x) override { return silu(x); }
};

/// 1 / (1 + e^-x).
class Sigmoid final : public Layer {
 protected:
  Tensor forward(const Tensor& x) override { return sigmoid(x); }
};

class Tanh final : public Layer {
 protected:
  Tensor forward(const Tensor& x) override { return tanh(x); }
};

/// x where it is positive, else negative_slope * x.
class LeakyReLU final : public Layer {
 public:
  using Options = LeakyReluOptions;
  LeakyReLU() : options() {}
  explicit LeakyReLU(const Options& given) : options(given) {}
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override { return leaky_relu(x, options); }
};

/// x * Phi(x), or its approximation by tanh.
class GELU final : public Layer {
 public:
  using Options = GeluOptions;
  GELU() : options() {}
  explicit GELU(const Options& given) : options(given) {}
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override { return gelu(x, options); }
};

/// log(1 + e^(beta x)) / beta.
class Softplus final : public Layer {
 public:
  using Options = SoftplusOptions;
  Softplus() : options() {}
  explicit Softplus(const Options& given) : options(given) {}
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override { return softplus(x, options); }
};

/// e^x / sum e^x along an axis.
class Softmax final : public Layer {
 public:
  struct Options {
    Required<std::int64_t> axis;  ///< -1 is the last
  };
  explicit Softmax(const Options& given) : options(given) {}
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override { return softmax(x, options.axis); }
};

/// The logarithm of Softmax.
class LogSoftmax final : public Layer {
 public:
  using Options = Softmax::Options;
  explicit LogSoftmax(const Options& given) : options(given) {}
  std::string details() const override;

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override { return log_softmax(x, options.axis); }
};

}  // namespace evenkeel
