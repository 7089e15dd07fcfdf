#pragma once
/// Numbers and text, as reports show them.

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>

namespace fashion {

/// 0.91537 as "91.54 %".
std::string percent(double share);
/// With so many digits behind the point.
std::string fixed(double number, int digits);
/// With four significant digits, short: "0.0125", "1.2e-07".
std::string brief(double number);
/// 61706 as "61,706".
std::string grouped(std::int64_t number);
/// 75 seconds as "1:15".
std::string clock_time(double seconds);
/// For HTML and SVG: with &, <, > and quotes escaped.
std::string escaped(std::string_view text);

/// Replaces the file. Throws ek::FileError.
void write_text(const std::filesystem::path& path, std::string_view text);

}  // namespace fashion
