#pragma once
/// A claim about an error: its kind, and what its message says.

#include <evenkeel/core/check.h>

#include <gtest/gtest.h>

#include <string>

namespace evenkeel::testing {

/// f must throw a Kind whose message contains `part`.
template <class Kind = ArgumentError, class F>
void expect_error(F&& f, const std::string& part) {
  try {
    f();
    ADD_FAILURE() << "expected an error: " << part;
  } catch (const Kind& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos) << "got: " << error.what();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "an error of another kind: " << error.what();
  }
}

}  // namespace evenkeel::testing
