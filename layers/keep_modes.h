#pragma once
/// Internal: runs a net in another mode, and no one notices.

#include <evenkeel/layers/module.h>

#include <utility>
#include <vector>

namespace evenkeel {

/// Gives every module of a net its own mode back at the end of a scope.
class KeepModes {
 public:
  explicit KeepModes(Module& net) {
    for (const auto& [path, module] : net.named_modules()) modes_.emplace_back(module, module->is_training());
  }
  ~KeepModes() {
    // From the outside in, for a mode reaches what is inside.
    for (const auto& [module, training] : modes_) module->train(training);
  }
  KeepModes(const KeepModes&) = delete;
  KeepModes& operator=(const KeepModes&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;
};

}  // namespace evenkeel
