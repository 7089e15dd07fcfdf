#pragma once
/// Internal: taking a State apart, so that loading is all or nothing.

#include <evenkeel/core/state.h>

#include <map>
#include <string>

namespace evenkeel {

/// Takes arrays out of a state by name and notes what is wrong with it, for one error that tells all.
class StateReader {
 public:
  /// Messages start with `who`. Throws ArgumentError for a name that occurs twice.
  StateReader(std::string who, const State& state);

  bool has(const std::string& name) const { return given_.contains(name); }
  /// A copy of the array of that name; undefined where it is missing or does not fit.
  Array take(const std::string& name, DType dtype, const Shape& shape);
  /// Throws ArgumentError that lists all missing, unexpected and misfit names, if there are any.
  void finish() const;

 private:
  std::string who_, missing_, misfits_;
  std::map<std::string, Array> given_;
};

}  // namespace evenkeel
