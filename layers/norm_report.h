#pragma once

#include <evenkeel/layers/layer.h>

#include <cstdint>
#include <iosfwd>
#include <optional>
#include <string>
#include <vector>

namespace evenkeel {

/// From where on something is worth a word.
struct NormThresholds {
  double mean_drift = 1;         ///< |mean of the batch - running mean|, in running standard deviations
  double variance_ratio = 4;     ///< of the batch's variance and the running one, the larger by the smaller
  double dead_gamma = 1e-3;      ///< |weight| at most this
  double exploding_gamma = 100;  ///< |weight| at least this
  double variance_by_eps = 10;   ///< a variance below so many eps
  std::int64_t values_per_channel = 16;  ///< fewer share a mean of the batch: its statistics are noise
  std::int64_t values_per_group = 4;     ///< fewer share a mean of the sample: little is left of them
  double output_gap = 0.5;  ///< between training and evaluation, in standard deviations of the output
};

enum class NormFault : std::uint8_t {
  drift,              ///< the batch is not what the running statistics describe
  dead_gamma,         ///< a channel gives its bias alone
  exploding_gamma,    ///< or not a number
  variance_near_eps,  ///< eps rather than the variance decides the scale
  never_updated,      ///< the running statistics are still 0 and 1, or no batch was counted
  small_batch,        ///< too few values for statistics
  output_gap,         ///< evaluation gives something else than training
  not_reached,        ///< the net did not call the layer
};
std::ostream& operator<<(std::ostream& os, NormFault fault);

struct NormFinding {
  NormFault fault;
  std::string text;  ///< what it is, where, and the likely cause; begins with the path
};

/// One normalization layer. What does not apply to it is absent.
struct NormRow {
  std::string path, layer;
  std::int64_t values_per_group = 0;              ///< the fewest that share a mean
  std::optional<double> mean_drift;               ///< of the worst channel
  std::optional<double> variance_ratio;           ///< of the worst channel
  std::optional<double> smallest_variance;        ///< of a group, in eps
  std::optional<double> least_gamma, most_gamma;  ///< absolute
  std::optional<std::int64_t> batches;            ///< num_batches_tracked
  std::optional<double> output_gap;
  std::vector<NormFinding> findings;

  bool has(NormFault fault) const;
};

struct NormReport {
  std::vector<NormRow> rows;

  /// Whether there are no findings.
  bool ok() const;
  /// A table of the rows, and below it the findings.
  friend std::ostream& operator<<(std::ostream& os, const NormReport& report);
};

/// What usually goes wrong with normalization, layer by layer: `std::cout << norm_report(net, inputs)`.
///
/// Runs the batch twice, with all normalization layers in training mode and with none, everything else in
/// evaluation mode, without history, and leaves buffers, modes, gradients and generators as they were.
/// Compared are the batch's statistics and the running ones at each layer's input in the first run, and its
/// outputs in both. BatchNorm, InstanceNorm, GroupNorm and LayerNorm count, wherever they lie. Of a layer
/// that is called several times the worst is told. Throws ArgumentError for a batch without elements, and
/// what the net throws, for instance for one value per channel.
NormReport norm_report(Layer& net, const Tensor& batch, const NormThresholds& thresholds = {});

}  // namespace evenkeel
