#pragma once
/// What the library has to say beside its errors. Silent unless asked: through set_log_level, or the
/// environment variable EVENKEEL_LOG (trace, debug, info, warn, error, off). Written to stderr by spdlog's
/// logger "evenkeel".

#include <cstdint>
#include <sstream>
#include <string>

namespace evenkeel {

enum class LogLevel : std::uint8_t { trace, debug, info, warn, error, off };

void set_log_level(LogLevel level);
LogLevel log_level();

/// Writes one line if `level` is asked for.
void write_log(LogLevel level, const std::string& line);

/// Streams the parts into one line, if `level` is asked for.
template <class... Parts>
void log(LogLevel level, const Parts&... parts) {
  if (level < log_level()) return;
  std::ostringstream line;
  (line << ... << parts);
  write_log(level, line.str());
}

}  // namespace evenkeel
