#include <evenkeel/core/small.h>

#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>

namespace evenkeel {
namespace {

using Shared = std::shared_ptr<std::string>;
using Few = Small<Shared, 3>;

Few few_of(int count, const Shared& value) {
  Few few;
  for (int i = 0; i < count; ++i) few.push_back(value);
  return few;
}

void expect_all(const Few& few, std::size_t count, const Shared& value) {
  EXPECT_EQ(few.size(), count);
  EXPECT_EQ(few.empty(), count == 0);
  for (const Shared& element : few) EXPECT_EQ(element, value);
  if (count > 0) {
    EXPECT_EQ(few.back(), value);
  }
}

TEST(Small, KeepsItsElementsWhateverTheirNumber) {
  Small<std::string, 2> words{"one"};
  for (const char* word : {"two", "three", "four", "five"}) words.push_back(word);
  ASSERT_EQ(words.size(), 5u);
  EXPECT_EQ(words[0], "one");
  EXPECT_EQ(words[1], "two");
  EXPECT_EQ(words[4], "five");
  words.grow() += "six";
  EXPECT_EQ(words.back(), "six");
}

// Elements are made and destroyed one by one: each holds one reference as long as it lives, and none longer.
TEST(Small, CopiesMovesAndClearsInsideAndOutside) {
  const auto value = std::make_shared<std::string>("value");
  for (const int count : {0, 1, 3, 4, 9}) {
    SCOPED_TRACE(count);
    const auto n = static_cast<std::size_t>(count);
    const auto references = [&] { return value.use_count() - 1; };
    Few few = few_of(count, value);
    EXPECT_EQ(references(), count);
    {
      Few copy = few;
      expect_all(copy, n, value);
      EXPECT_EQ(references(), 2 * count);
      const Few moved = std::move(copy);
      expect_all(moved, n, value);
      expect_all(copy, 0, value);  // NOLINT: moved from, and empty
      EXPECT_EQ(references(), 2 * count);
    }
    EXPECT_EQ(references(), count);
    for (const int other_count : {0, 2, 5}) {
      Few other = few_of(other_count, value);
      other = few;
      expect_all(other, n, value);
      other = few_of(other_count, value);
      expect_all(other, static_cast<std::size_t>(other_count), value);
      EXPECT_EQ(references(), count + other_count);
    }
    few.clear();
    EXPECT_EQ(references(), 0);
    few.push_back(value);
    expect_all(few, 1, value);
  }
}

}  // namespace
}  // namespace evenkeel
