#include <evenkeel/core/log.h>

#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <array>
#include <cstdlib>
#include <memory>

namespace evenkeel {
namespace {

constexpr std::array levels{spdlog::level::trace, spdlog::level::debug, spdlog::level::info,
                            spdlog::level::warn,  spdlog::level::err,   spdlog::level::off};

/// The level that EVENKEEL_LOG asks for; an unknown word asks for nothing.
spdlog::level::level_enum level_of_environment() {
  const char* const word = std::getenv("EVENKEEL_LOG");
  return word ? spdlog::level::from_str(word) : spdlog::level::off;
}

spdlog::logger& logger() {
  // A host program that has registered a logger of this name keeps it, sinks and all.
  static const std::shared_ptr<spdlog::logger> instance = [] {
    auto found = spdlog::get("evenkeel");
    if (!found) {
      found = std::make_shared<spdlog::logger>("evenkeel", std::make_shared<spdlog::sinks::stderr_sink_mt>());
      found->set_level(level_of_environment());
      spdlog::register_logger(found);
    }
    return found;
  }();
  return *instance;
}

}  // namespace

void set_log_level(LogLevel level) { logger().set_level(levels[static_cast<std::size_t>(level)]); }

LogLevel log_level() {
  const auto level = logger().level();
  for (std::size_t i = 0; i < levels.size(); ++i)
    if (levels[i] >= level) return static_cast<LogLevel>(i);
  return LogLevel::off;
}

void write_log(LogLevel level, const std::string& line) {
  logger().log(levels[static_cast<std::size_t>(level)], line);
}

}  // namespace evenkeel
