#include <evenkeel/layers/freeze_norm.h>

namespace evenkeel {

std::vector<std::string> freeze_norm(Module& net, FreezeOptions how) {
  std::vector<std::string> left;
  for (const auto& [path, module] : net.named_modules()) {
    auto* const norm = dynamic_cast<RunningNorm*>(module);
    if (!norm) continue;
    if (norm->has_moving_statistics())
      norm->freeze(how);
    else
      left.push_back(path);
  }
  return left;
}

void unfreeze_norm(Module& net) {
  for (auto* const norm : running_norms(net)) norm->unfreeze();
}

}  // namespace evenkeel
