#pragma once
/// Every layer once or more: what is true of all of them is tested in tests/layers/all_layers*_test.cpp. A
/// new layer gets its rows in all_layers.cpp.

#include <evenkeel/layers/any_layer.h>

#include <functional>
#include <ostream>
#include <string>
#include <type_traits>
#include <vector>

namespace evenkeel::testing {

struct LayerCase {
  std::string name;  ///< the class, and what is special, in letters and digits
  std::function<AnyLayer()> make;
  Shape input;  ///< of which the layer takes any values
  /// The same layer for images [N, H, W, C]; empty where it knows no formats.
  std::function<AnyLayer()> make_nhwc = {};
};
inline std::ostream& operator<<(std::ostream& os, const LayerCase& each) { return os << each.name; }

/// A row of the table. `make` gives the layer, `make_nhwc` its twin.
template <class Make, class... MakeNhwc>
LayerCase layer_case(const std::string& name, const Shape& input, Make make, MakeNhwc... make_nhwc) {
  using L = std::invoke_result_t<Make>;
  static_assert(std::is_final_v<L> && std::is_base_of_v<Layer, L>);
  static_assert(std::is_move_constructible_v<L> && !std::is_copy_constructible_v<L>);
  LayerCase each{name, [=] { return AnyLayer(make()); }, input};
  ((each.make_nhwc = [=] { return AnyLayer(make_nhwc()); }), ...);
  return each;
}

const std::vector<LayerCase>& all_layers();

}  // namespace evenkeel::testing
