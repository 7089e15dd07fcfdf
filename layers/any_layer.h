#pragma once

#include <evenkeel/layers/layer.h>

#include <concepts>
#include <memory>
#include <utility>

namespace evenkeel {

/// Owns a layer of any class, for what is chosen at run time; a value that moves. It is not itself a Layer:
/// fields() sees through it, so that no hook and no name doubles.
class AnyLayer {
 public:
  template <std::derived_from<Layer> L>
  explicit(false) AnyLayer(L layer) : layer_(std::make_unique<L>(std::move(layer))) {}

  Tensor operator()(const Tensor& x) { return (**this)(x); }
  Tensor operator()(Tensor&& x) { return (**this)(std::move(x)); }
  /// Throws ArgumentError once it was moved from.
  Layer& operator*() const;
  Layer* operator->() const { return &**this; }

 private:
  std::unique_ptr<Layer> layer_;
};

}  // namespace evenkeel
