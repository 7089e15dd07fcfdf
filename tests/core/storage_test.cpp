#include <evenkeel/core/array.h>
#include <evenkeel/core/storage.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <thread>
#include <vector>

namespace evenkeel {
namespace {

TEST(Storage, ReusesFreedMemory) {
  release_cached();
  const auto before = memory_stats();
  const std::byte* first = nullptr;
  {
    const Array a({1000, 100}, DType::float32);
    first = a.bytes().data();
    EXPECT_GE(memory_stats().in_use, before.in_use + 400000);
  }
  EXPECT_EQ(memory_stats().in_use, before.in_use);
  EXPECT_GE(memory_stats().cached, 400000u);
  const Array b({1000, 100}, DType::float32);
  EXPECT_EQ(b.bytes().data(), first);
  EXPECT_GE(memory_stats().peak, memory_stats().in_use);
}

TEST(Storage, GivesCachedMemoryBack) {
  { const Array a({1000, 1000}, DType::float64); }
  EXPECT_GT(memory_stats().cached, 0u);
  release_cached();
  EXPECT_EQ(memory_stats().cached, 0u);
}

TEST(Storage, NeverHoldsMuchMoreThanWasInUse) {
  release_cached();
  const auto peak = memory_stats().peak;
  for (std::int64_t megabytes = 1; megabytes <= 64; ++megabytes)
    Array::uninitialized({megabytes << 20}, DType::uint8);
  const auto after = memory_stats();
  EXPECT_LE(after.cached + after.in_use, std::max(peak, after.peak) + (std::size_t{65} << 20));
}

TEST(Storage, ForgetsOldSizesRatherThanNewOnes) {
  release_cached();
  const auto old_size = static_cast<std::int64_t>(memory_stats().peak) + (std::int64_t{65} << 20);
  const auto new_size = 2 * old_size;
  Array::uninitialized({old_size}, DType::uint8);
  Array::uninitialized({new_size}, DType::uint8);  // both are more than the cache may hold
  EXPECT_GE(memory_stats().cached, static_cast<std::size_t>(new_size));
}

TEST(Threads, AllocateTogether) {
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t)
    threads.emplace_back([t] {
      for (std::int64_t i = 1; i < 200; ++i) {
        Array a({i * 7}, DType::int64);
        a.mutable_data<std::int64_t>()[0] = t;
        ASSERT_EQ(a.data<std::int64_t>()[0], t);
      }
    });
  for (auto& thread : threads) thread.join();
}

}  // namespace
}  // namespace evenkeel
