#include <evenkeel/core/kernels/stream.h>

#include <gtest/gtest.h>

#include <cstdint>
#include <vector>

namespace evenkeel {
namespace {

namespace simd = kernels::simd;

/// Writes 10, 11, 12, ... to the run that begins `first` elements into a cache line.
template <class T>
void expect_run(bool past_caches, std::int64_t first, std::int64_t length) {
  constexpr auto line = 64 / static_cast<std::int64_t>(sizeof(T));
  std::vector<T> values(static_cast<std::size_t>(length + 4 * line), T{-1}), numbers;
  for (std::int64_t i = 0; i < length; ++i) numbers.push_back(static_cast<T>(10 + i));
  const auto begin = kernels::to_alignment(values.data(), line) + first;
  kernels::write_run({past_caches}, values.data() + begin, length,
                     [&](std::int64_t i) { return simd::load(numbers.data() + i); });
  for (std::int64_t i = 0; i < static_cast<std::int64_t>(values.size()); ++i) {
    const bool inside = i >= begin && i < begin + length;
    ASSERT_EQ(values[static_cast<std::size_t>(i)], inside ? static_cast<T>(10 + i - begin) : T{-1})
        << "element " << i - begin << " of " << length << ", " << first << " into a line";
  }
}

TEST(WriteRun, WritesAllOfARunAndNothingElse) {
  for (const bool past_caches : {false, true})
    for (std::int64_t first = 0; first < 16; ++first)
      for (std::int64_t length = 16; length < 150; ++length) {
        expect_run<float>(past_caches, first, length);
        expect_run<double>(past_caches, first, length);
      }
}

}  // namespace
}  // namespace evenkeel
