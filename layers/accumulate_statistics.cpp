#include <evenkeel/layers/accumulate_statistics.h>

namespace evenkeel {

AccumulateStatistics::AccumulateStatistics(Module& net) {
  for (auto* const norm : running_norms(net))
    if (norm->running) pools_.emplace_back(norm, norm->pool_batches());
}

void AccumulateStatistics::commit() {
  for (const auto& [norm, pool] : pools_)
    if (pool->mean.defined()) norm->blend(std::exchange(*pool, {}));
}

}  // namespace evenkeel
