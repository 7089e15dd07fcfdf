#pragma once

#include <evenkeel/layers/any_layer.h>

#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace evenkeel {

namespace detail {
using IsNorm = std::function<bool(const Layer&)>;
using Replacement = std::function<std::optional<AnyLayer>(Layer&)>;
std::vector<std::string> convert(Module& net, const IsNorm& is_norm, const Replacement& replacement);
}  // namespace detail

/// Puts other layers in the place of all layers of class `From` that a Sequential or an AnyLayer holds:
///
///     auto left = convert_norm<BatchNorm>(net, [](BatchNorm& norm) {
///       return GroupNorm({.num_groups = 8, .num_channels = norm.options.num_features});
///     });
///
/// `replacement(From&)` returns the new layer, an AnyLayer, or a std::optional<AnyLayer> without value for
/// one that is to stay; it copies what it wants to keep of values, and the new layer gets the mode of the old
/// one. From is any class of layers, such as BatchNorm2d, BatchNorm, RunningNorm or GroupNorm. Returns the
/// paths of the layers of that class that could not be replaced, because they are plain members: theirs is a
/// class that is fixed when the program is compiled. Where `replacement` throws, nothing is replaced.
///
/// The parameters of the net are others afterwards, so an optimizer is to be made after it.
template <std::derived_from<Layer> From, class F>
std::vector<std::string> convert_norm(Module& net, F replacement) {
  return detail::convert(
      net, [](const Layer& layer) { return dynamic_cast<const From*>(&layer) != nullptr; },
      [&](Layer& layer) -> std::optional<AnyLayer> { return replacement(dynamic_cast<From&>(layer)); });
}

}  // namespace evenkeel
