#pragma once

#include <evenkeel/layers/any_layer.h>

#include <cstddef>
#include <initializer_list>
#include <utility>
#include <vector>

namespace evenkeel {

/// Runs layers one after another; their names are "0", "1", ... An empty one gives its input.
///
/// Unless a hook or DetectAnomaly looks at them, ReLU before MaxPool2d runs after it, on fewer elements:
/// values and gradients are the same, bit for bit. BatchNorm2d before them is pooled in one op with it (see
/// BatchNorm::max_pooled): values are the same, and gradients up to the order of their sums in double.
class Sequential final : public Layer {
 public:
  /// Lets a layer be moved out of an initializer list.
  class Part {
   public:
    template <class L>
    requires std::constructible_from<AnyLayer, L&&>
    explicit(false) Part(L&& given) : layer(std::forward<L>(given)) {}
    mutable AnyLayer layer;
  };

  /// Sequential({Conv2d({...}), ReLU()}): only braces fix the order in which the layers are made and draw
  /// their random weights.
  explicit Sequential(std::initializer_list<Part> parts = {});
  /// The same for containers alone: clang before 18 takes Sequential({Sequential({...})}) for a move (CWG
  /// 2137), which would lose a level of the names.
  template <std::same_as<Sequential> S>
  explicit Sequential(std::initializer_list<S> parts) {
    for (const auto& part : parts) append(std::move(const_cast<S&>(part)));  // temporaries of this very call
  }
  Sequential& append(AnyLayer layer);
  std::size_t size() const { return layers_.size(); }
  /// Throws ArgumentError behind the last layer.
  Layer& operator[](std::size_t index);

  void fields(FieldVisitor& f) override;

 protected:
  Tensor forward(const Tensor& x) override;
  Tensor forward_over(Tensor&& x) override;

 private:
  /// Layer i, counted in i, if it is an L and no hook looks at it; else null.
  template <class L>
  L* take_plain(std::size_t& i);

  std::vector<AnyLayer> layers_;
};

}  // namespace evenkeel
