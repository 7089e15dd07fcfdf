#pragma once

#include <evenkeel/layers/module.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>

namespace evenkeel {

/// A module of one tensor to one tensor. A class overrides forward; everyone calls the layer itself:
///
///     class Net final : public Layer { Tensor forward(const Tensor& x) override { return
///     head(relu(conv(x))); } ... }; Tensor y = net(x);
class Layer : public Module {
 public:
  /// The only door to forward, for containers too: hooks see every call, and under DetectAnomaly an error
  /// tells the path of the module.
  Tensor operator()(const Tensor& x);
  /// The same for an x that ends with the call: a layer may write its result over it, unless a hook is to see
  /// both.
  Tensor operator()(Tensor&& x);
  /// hook(layer, input, output) runs after each forward, until removed; a tensor that it returns replaces the
  /// output.
  template <class F>
  HookHandle register_forward_hook(F hook) {
    return HookHandle(forward_hooks_, std::move(hook));
  }
  /// Whether a hook is to see the next call.
  bool has_forward_hooks() const { return forward_hooks_ && !forward_hooks_->hooks.empty(); }
  /// Multiplications that are added up to make y of x, biases not counted: exact for Linear and Conv2d, 0
  /// for layers whose work is small beside them.
  virtual std::int64_t multiply_adds(const Tensor& x, const Tensor& y) const;

  using Module::summary;
  /// The table of Module::summary for zeros of this shape, in the dtype of the parameters.
  std::string summary(const Shape& input_shape);

 protected:
  Layer() = default;
  Layer(Layer&&) = default;
  virtual Tensor forward(const Tensor& x) = 0;
  /// Overridden by layers that can write their result over x.
  virtual Tensor forward_over(Tensor&& x) { return forward(x); }
  /// Throws unless x has the dtype of a parameter.
  void check_dtype(const Tensor& x, const Tensor& parameter) const;

 private:
  Tensor run(const Tensor& x);

  std::shared_ptr<HookList<Tensor(Layer&, const Tensor&, const Tensor&)>> forward_hooks_;
};

/// Runs net(x) without touching its buffers and throws ArgumentError, naming it by its shape and the op that
/// uses it, where the output depends on a parameter that fields() does not list.
void check_fields(Layer& net, const Tensor& x);

}  // namespace evenkeel
