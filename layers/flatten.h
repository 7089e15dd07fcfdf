#pragma once

#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/layer.h>

namespace evenkeel {

/// Merges the axes [start, end] into one; by default all but the batch.
class Flatten final : public Layer {
 public:
  struct Options {
    std::int64_t start = 1, end = -1;
  };
  Flatten() : options() {}
  explicit Flatten(const Options& given) : options(given) {}

  const Options options;

 protected:
  Tensor forward(const Tensor& x) override { return flatten(x, options.start, options.end); }
};

/// y = x, for a place that may be left empty.
class Identity final : public Layer {
 protected:
  Tensor forward(const Tensor& x) override { return x; }
};

}  // namespace evenkeel
