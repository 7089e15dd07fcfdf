#pragma once

#include <evenkeel/autograd/ops/dropout.h>
#include <evenkeel/layers/layer.h>

namespace evenkeel {

/// In training each element becomes 0 with probability p and the others grow by 1 / (1 - p); in evaluation
/// y = x. The layer has a generator of its own, seeded from the given one; it belongs to the state for
/// resume.
class Dropout final : public Layer {
 public:
  struct Options {
    double p = 0.5;  ///< in [0, 1]
  };
  Dropout() : Dropout(Options()) {}
  /// Throws ArgumentError for p outside [0, 1].
  explicit Dropout(const Options& given, Rng& seeds = default_rng());

  void fields(FieldVisitor& f) override { f("rng", rng); }
  std::string details() const override;

  const Options options;
  Rng rng;

 protected:
  Tensor forward(const Tensor& x) override;
};

}  // namespace evenkeel
