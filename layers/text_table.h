#pragma once
/// Internal: tables for people.

#include <string>
#include <vector>

namespace evenkeel {

/// Columns as wide as their widest entry: the first `words` columns to the left, numbers to the right.
std::string text_table(const std::vector<std::vector<std::string>>& rows, std::size_t words);

}  // namespace evenkeel
