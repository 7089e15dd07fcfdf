#include <evenkeel/tests/support/op_rows.h>
#include <evenkeel/tests/support/temp_folder.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <regex>
#include <set>

namespace evenkeel::testing {
namespace {

using Names = std::set<std::string>;

/// Everything that `pattern` captures.
Names captured(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Names found;
  for (std::sregex_iterator match(text.begin(), text.end(), regex), end; match != end; ++match)
    found.insert((*match)[1]);
  return found;
}

/// The names that ops are recorded under: those after `.op =`, and those given to functions that take the
/// name of an op and return a Tensor, such as record_linear_map("add", ...).
Names ops_in(const std::string& text) {
  Names names = captured(text, R"re(\.op = "(\w+)")re");
  for (const auto& maker : captured(text, R"re(\bTensor (\w+)\(std::string_view op\b)re"))
    names.merge(captured(text, "\\b" + maker + R"re(\(\s*"(\w+)")re"));
  return names;
}

std::string sources() {
  std::string text = read_bytes(EVENKEEL_SOURCE_DIR "/autograd/record.h");
  for (const auto& file : std::filesystem::directory_iterator(EVENKEEL_SOURCE_DIR "/autograd/ops"))
    text += read_bytes(file.path());
  return text;
}

TEST(OpNames, AreFoundHoweverTheyAreGiven) {
  EXPECT_EQ(ops_in(R"re(
    Tensor made(std::string_view op, int) { return record({.op = op}); }
    void check_it(std::string_view op);
    a = record({.op = "one"});
    b = made(
        "two", 1);
    check_it("three");
  )re"),
            (Names{"one", "two"}));
}

TEST(OpNames, EveryOpHasARowAndEveryRowAnOp) {
  const Names ops = ops_in(sources());
  EXPECT_GE(ops.size(), 50u);
  Names rows, large;
  for (const auto& row : op_rows()) {
    rows.insert(row.op);
    if (!row.large.empty()) large.insert(row.op);
  }
  EXPECT_EQ(rows, ops) << "a row of tests/support/op_rows.h is missing, or its op is no more";
  EXPECT_EQ(large, ops) << "an op has no row with large inputs for its threads";
}

TEST(OpNames, NoneIsHidden) {
  EXPECT_EQ(captured(sources(), R"re(\.op = (\w+))re"), (Names{"op"}))
      << "a name that is passed on is a parameter `std::string_view op`, so that its callers are found";
}

TEST(OpNames, RowsHaveNamesOfTheirOwn) {
  Names names;
  for (const auto& row : op_rows()) EXPECT_TRUE(names.insert(row.name()).second) << row.name();
}

}  // namespace
}  // namespace evenkeel::testing
