#pragma once

#include <evenkeel/core/check.h>

#include <gtest/gtest.h>

#include <string>

namespace evenkeel::testing {

/// Expects that `f` throws a Kind whose message contains `part`.
template <class Kind, class F>
void expect_error(F&& f, const std::string& part) {
  try {
    f();
    ADD_FAILURE() << "expected an error that says: " << part;
  } catch (const Kind& error) {
    EXPECT_NE(std::string(error.what()).find(part), std::string::npos)
        << "got:      " << error.what() << "\nexpected: " << part;
  }
}

}  // namespace evenkeel::testing
