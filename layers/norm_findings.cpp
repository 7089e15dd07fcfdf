#include <evenkeel/layers/norm_findings.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <limits>
#include <sstream>

namespace evenkeel {
namespace {

/// The largest value, or NaN if there is one.
std::optional<double> worst(const std::vector<double>& values) {
  std::optional<double> found;
  for (const double value : values)
    if (!found || std::isnan(value) || value > *found) found = value;
  return found;
}
std::optional<double> least(const std::vector<double>& values) {
  if (values.empty()) return {};
  return std::ranges::min(values);
}

using Which = std::vector<std::size_t>;
Which where(const std::vector<double>& values, const std::function<bool(double)>& holds) {
  Which found;
  for (std::size_t i = 0; i < values.size(); ++i)
    if (holds(values[i])) found.push_back(i);
  return found;
}

/// As "in 3 of 16 channels (0, 4, 7)" or "in all 16 channels".
std::string places(const Which& which, std::size_t all, const char* of_what) {
  constexpr std::size_t shown = 8;
  std::ostringstream text;
  if (which.size() == all) {
    text << "in all " << all << ' ' << of_what;
    return text.str();
  }
  text << "in " << which.size() << " of " << all << ' ' << of_what << " (";
  for (std::size_t i = 0; i < std::min(which.size(), shown); ++i) text << (i ? ", " : "") << which[i];
  text << (which.size() > shown ? ", ...)" : ")");
  return text.str();
}

/// Writes the findings of one layer into its row.
class Judge {
 public:
  Judge(NormRow& row, const NormMeasures& measures, const NormThresholds& limits)
      : row_(row), m_(measures), limits_(limits) {}

  void not_reached() {
    find(NormFault::not_reached, "the net did not call it: a field that forward() leaves out?");
  }

  void drift() {
    const auto far = where(m_.mean_drift, [&](double d) { return !(d <= limits_.mean_drift); });
    if (!far.empty())
      find(NormFault::drift, "the batch's mean lies up to ", *row_.mean_drift,
           " sigmas from the running mean ", places(far, m_.mean_drift.size(), "channels"), cause_of_drift);
    const auto wide = where(m_.variance_ratio, [&](double r) { return !(r <= limits_.variance_ratio); });
    if (!wide.empty())
      find(NormFault::drift, "the batch's variance and the running one differ by a factor of up to ",
           *row_.variance_ratio, ' ', places(wide, m_.variance_ratio.size(), "channels"), cause_of_drift);
  }

  void gamma() {
    const auto dead = where(m_.gamma, [&](double g) { return g <= limits_.dead_gamma; });
    if (!dead.empty())
      find(
          NormFault::dead_gamma, "weight (gamma) is 0 or nearly ", places(dead, m_.gamma.size(), "channels"),
          ", which give their bias alone; weight decay on it (see split_for_weight_decay), channels that the "
          "next layer ignores, or a start at 0 that has not trained yet?");
    const auto large = where(m_.gamma, [&](double g) { return !(g < limits_.exploding_gamma); });
    if (!large.empty())
      find(NormFault::exploding_gamma, "weight (gamma) reaches ", *row_.most_gamma, ' ',
           places(large, m_.gamma.size(), "channels"),
           "; a learning rate that is too high, or inputs that hardly vary?");
  }

  void variance() {
    const auto small = where(m_.variance, [&](double v) { return v < limits_.variance_by_eps; });
    if (!small.empty())
      find(NormFault::variance_near_eps, "the variance of the input is down to ", *row_.smallest_variance,
           " eps ", places(small, m_.variance.size(), m_.pools_samples ? "channels" : "groups"),
           ", so that eps decides the scale; dead or constant channels before it, or tiny inputs (then a "
           "smaller "
           "eps)?");
  }

  void never_updated(const RunningNorm& norm) {
    const auto is = [](const Array& values, double number) {
      return std::ranges::all_of(Tensor(values).to_vector(), [=](double value) { return value == number; });
    };
    const bool initial = is(norm.running->mean, 0) && is(norm.running->var, 1);
    const bool counts = norm.counts_batches(), uncounted = counts && norm.running->count() == 0;
    if (initial && (uncounted || !counts))
      find(NormFault::never_updated, "the running statistics are still 0 and 1",
           counts ? " after 0 batches" : "", "; was it never run in training mode, or not loaded?");
    else if (initial)
      find(NormFault::never_updated, "the running statistics are still 0 and 1 after ", norm.running->count(),
           " batches; a momentum that moves nothing, or statistics that were not loaded?");
    else if (uncounted)
      find(NormFault::never_updated,
           "num_batches_tracked is 0 though the running statistics are not 0 and 1; loaded from a file "
           "without the counter (MindSpore has none), or set by hand? A cumulative momentum would forget "
           "them");
  }

  void batch_size() {
    const auto enough = m_.pools_samples ? limits_.values_per_channel : limits_.values_per_group;
    if (m_.values >= enough) return;
    if (m_.pools_samples)
      find(NormFault::small_batch, "only ", m_.values,
           " values share the statistics of a channel, which are mostly noise; a larger batch, frozen "
           "statistics (freeze_norm), or GroupNorm?");
    else
      find(NormFault::small_batch, "only ", m_.values,
           " values make a group, and little is left of them once normalized; fewer groups, or larger "
           "images?");
  }

  void output_gap() {
    if (!(*row_.output_gap <= limits_.output_gap))
      find(NormFault::output_gap, "evaluation differs from training by ", *row_.output_gap,
           " standard deviations of the output; running statistics that do not fit (see recalibrate), or "
           "those "
           "of an earlier layer: begin with the first that says so");
  }

 private:
  static constexpr auto cause_of_drift =
      "; other data or preprocessing than in training, too few training batches since, or statistics of "
      "another net (see recalibrate)?";

  template <class... Parts>
  void find(NormFault fault, const Parts&... parts) {
    std::ostringstream text;
    text.precision(3);
    text << (row_.path.empty() ? "the net itself" : row_.path) << " (" << row_.layer << "): ";
    (text << ... << parts);
    row_.findings.push_back({fault, text.str()});
  }

  NormRow& row_;
  const NormMeasures& m_;
  const NormThresholds& limits_;
};

}  // namespace

NormRow judge(const std::string& path, const Layer& layer, const RunningNorm* running, const NormMeasures& m,
              const NormThresholds& thresholds) {
  NormRow row{.path = path,
              .layer = layer.type_name(),
              .values_per_group = m.values,
              .mean_drift = worst(m.mean_drift),
              .variance_ratio = worst(m.variance_ratio),
              .smallest_variance = least(m.variance),
              .least_gamma = least(m.gamma),
              .most_gamma = worst(m.gamma),
              .batches = {},
              .output_gap = {},
              .findings = {}};
  if (running && running->counts_batches()) row.batches = running->running->count();
  const bool reached = m.values > 0;
  if (reached)
    row.output_gap = m.difference == 0  ? 0
                     : m.deviation == 0 ? std::numeric_limits<double>::infinity()
                                        : m.difference / m.deviation;
  Judge findings(row, m, thresholds);
  if (running) findings.never_updated(*running);
  findings.gamma();
  if (!reached) {
    findings.not_reached();
    return row;
  }
  findings.drift();
  if (!running || running->batch_statistics != BatchStatistics::never) findings.batch_size();
  findings.variance();
  if (running) findings.output_gap();
  return row;
}

}  // namespace evenkeel
