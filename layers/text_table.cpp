#include <evenkeel/layers/text_table.h>

#include <algorithm>

namespace evenkeel {

std::string text_table(const std::vector<std::vector<std::string>>& rows, std::size_t words) {
  std::vector<std::size_t> widths(rows.empty() ? 0 : rows[0].size());
  for (const auto& row : rows)
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      const std::string space(widths[i] - row[i].size(), ' ');
      text += (i == 0 ? "" : "  ") + (i < words ? row[i] + space : space + row[i]);
    }
    text += '\n';
  }
  return text;
}

}  // namespace evenkeel
