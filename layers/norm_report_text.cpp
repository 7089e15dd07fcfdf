#include <evenkeel/layers/norm_report.h>
#include <evenkeel/layers/text_table.h>

#include <algorithm>
#include <ostream>
#include <sstream>

namespace evenkeel {
namespace {

template <class T>
std::string text_of(const std::optional<T>& number) {
  if (!number) return "-";
  std::ostringstream text;
  text.precision(3);
  text << *number;
  return text.str();
}

std::string range_of(const NormRow& row) {
  return row.least_gamma ? text_of(row.least_gamma) + " to " + text_of(row.most_gamma) : "-";
}

}  // namespace

std::ostream& operator<<(std::ostream& os, NormFault fault) {
  constexpr const char* names[] = {"drift",         "dead_gamma",  "exploding_gamma", "variance_near_eps",
                                   "never_updated", "small_batch", "output_gap",      "not_reached"};
  return os << names[static_cast<std::size_t>(fault)];
}

bool NormRow::has(NormFault fault) const {
  return std::ranges::any_of(findings, [=](const NormFinding& finding) { return finding.fault == fault; });
}

bool NormReport::ok() const {
  return std::ranges::all_of(rows, [](const NormRow& row) { return row.findings.empty(); });
}

std::ostream& operator<<(std::ostream& os, const NormReport& report) {
  std::vector<std::vector<std::string>> rows{{"path", "layer", "values", "drift", "variances", "var/eps",
                                              "|gamma|", "batches", "output gap", "findings"}};
  for (const auto& row : report.rows)
    rows.push_back({row.path, row.layer, std::to_string(row.values_per_group), text_of(row.mean_drift),
                    text_of(row.variance_ratio), text_of(row.smallest_variance), range_of(row),
                    text_of(row.batches), text_of(row.output_gap), std::to_string(row.findings.size())});
  os << text_table(rows, 2);
  for (const auto& row : report.rows)
    for (const auto& finding : row.findings) os << finding.fault << ": " << finding.text << '\n';
  return os << (report.ok() ? "no findings\n" : "");
}

}  // namespace evenkeel
