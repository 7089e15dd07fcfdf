#include <evenkeel/layers/accumulate_statistics.h>

namespace evenkeel {

AccumulateStatistics::AccumulateStatistics(Module& net) {
  for (const auto& [path, module] : net.named_modules())
    if (auto* const norm = dynamic_cast<RunningNorm*>(module); norm && norm->running)
      pools_.emplace_back(norm, norm->pool_batches());
}

void AccumulateStatistics::commit() {
  for (const auto& [norm, pool] : pools_)
    if (pool->mean.defined()) norm->blend(std::exchange(*pool, {}));
}

}  // namespace evenkeel
