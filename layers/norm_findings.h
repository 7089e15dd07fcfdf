#pragma once
/// Internal: what norm_report measures at a layer, and what it makes of that.

#include <evenkeel/layers/norm_report.h>
#include <evenkeel/layers/running_norm.h>

#include <optional>
#include <vector>

namespace evenkeel {

/// Of one layer, the worst of all its calls.
struct NormMeasures {
  std::vector<double> mean_drift, variance_ratio;  ///< by channel
  std::vector<double> variance;                    ///< by group, in eps
  std::vector<double> gamma;                       ///< absolute
  std::int64_t values = 0;                         ///< the fewest that share a mean; 0 if it was not called
  bool pools_samples = false;                      ///< whether samples share a mean
  double difference = 0;                           ///< between the outputs, root mean square
  double deviation = 0;                            ///< of the output in training
};

/// The row of a layer, with its findings; `running` is null for a layer without running statistics that move.
NormRow judge(const std::string& path, const Layer& layer, const RunningNorm* running,
              const NormMeasures& measures, const NormThresholds& thresholds);

}  // namespace evenkeel
