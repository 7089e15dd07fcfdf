#pragma once
/// Errors: one hierarchy, thrown at the borders (op entry, constructors, file readers).

#include <sstream>
#include <stdexcept>
#include <string>

namespace evenkeel {

/// The base of every error that a user can cause.
struct Error : std::runtime_error {
  using std::runtime_error::runtime_error;
};
/// Wrong shapes, options or values.
struct ArgumentError : Error {
  using Error::Error;
};
/// A graph that was freed, modified in place, or never recorded.
struct GraphError : Error {
  using Error::Error;
};
/// A file that cannot be read or written, or that breaks a rule of its format.
struct FileError : Error {
  using Error::Error;
};

/// Throws a `Kind` whose message is all `parts`, streamed one after another.
template <class Kind = ArgumentError, class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  std::ostringstream message;
  (message << ... << parts);
  throw Kind(message.str());
}

/// Throws a `Kind` unless `ok`. The message starts with the op or class as the user wrote it, shows both
/// values, then what was expected, then a hint.
template <class Kind = ArgumentError, class... Parts>
void check(bool ok, const Parts&... parts) {
  if (!ok) [[unlikely]]
    fail<Kind>(parts...);
}

}  // namespace evenkeel
