#include <evenkeel/layers/split_for_weight_decay.h>

#include <set>

namespace evenkeel {

WeightDecaySplit split_for_weight_decay(const Module& net) {
  std::set<const Node*> skipped;
  for (const auto& [name, module] : net.named_modules())
    if (module->skips_weight_decay())
      for (const auto& parameter : module->parameters()) skipped.insert(parameter.node().get());
  WeightDecaySplit split;
  for (const auto& parameter : net.parameters()) {
    const bool decays = parameter.shape().rank() >= 2 && !skipped.contains(parameter.node().get());
    (decays ? split.decayed : split.norms_and_biases).push_back(parameter);
  }
  return split;
}

}  // namespace evenkeel
