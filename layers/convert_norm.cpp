#include <evenkeel/layers/convert_norm.h>

#include <algorithm>
#include <utility>

namespace evenkeel::detail {

std::vector<std::string> convert(Module& net, const IsNorm& is_norm, const Replacement& replacement) {
  FieldVisitor visitor;
  net.fields(visitor);
  const auto slots = std::move(visitor).slots();

  std::vector<std::pair<AnyLayer*, AnyLayer>> replaced;
  std::vector<std::string> replaced_paths, left;
  const auto lies_in_replaced = [&](const std::string& path) {
    return std::ranges::any_of(replaced_paths,
                               [&](const auto& outer) { return path.starts_with(outer + "."); });
  };
  for (const auto& [path, slot] : slots) {
    if (!is_norm(**slot) || lies_in_replaced(path)) continue;
    if (auto layer = replacement(**slot)) {
      (*layer)->train((**slot).is_training());
      replaced.emplace_back(slot, std::move(*layer));
      replaced_paths.push_back(path);
    }
  }
  for (const auto& [path, module] : net.named_modules()) {
    const auto* const layer = dynamic_cast<const Layer*>(module);
    const auto is_held = [&](const auto& slot) { return &**slot.second == layer; };
    if (layer && is_norm(*layer) && !lies_in_replaced(path) && std::ranges::none_of(slots, is_held))
      left.push_back(path);
  }
  for (auto& [slot, layer] : replaced) *slot = std::move(layer);
  return left;
}

}  // namespace evenkeel::detail
