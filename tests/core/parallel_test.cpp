#include <evenkeel/core/build_info.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/log.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <atomic>
#include <chrono>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

namespace evenkeel {
namespace {

TEST(Threads, PiecesFollowFromSizeAndGrainAlone) {
  for (const int threads : {1, 2, 3, 8}) {
    set_num_threads(threads);
    EXPECT_EQ(num_threads(), threads);
    std::mutex mutex;
    std::multiset<std::pair<std::int64_t, std::int64_t>> pieces;
    parallel_for(10, 4, [&](std::int64_t begin, std::int64_t end) {
      const std::lock_guard lock(mutex);
      pieces.emplace(begin, end);
    });
    EXPECT_EQ(pieces, (std::multiset<std::pair<std::int64_t, std::int64_t>>{{0, 4}, {4, 8}, {8, 10}}));
  }
  set_num_threads(0);
}

TEST(Threads, HelpOneThatIsSlow) {
  set_num_threads(2);
  std::atomic<int> done = 0;
  parallel_for(8, 1, [&](std::int64_t begin, std::int64_t) {
    if (begin == 0) {  // as long as the other thread has anything left to do
      const auto deadline = std::chrono::steady_clock::now() + std::chrono::minutes(1);
      while (done < 7 && std::chrono::steady_clock::now() < deadline) std::this_thread::yield();
      EXPECT_EQ(done, 7);
    }
    ++done;
  });
  set_num_threads(0);
}

TEST(Threads, NothingIsNoPiece) {
  parallel_for(0, 4, [](std::int64_t, std::int64_t) { FAIL(); });
  SUCCEED();
}

TEST(Threads, TheFirstExceptionReachesTheCaller) {
  for (const int threads : {1, 4}) {
    set_num_threads(threads);
    testing::expect_error(
        [] {
          parallel_for(100, 1, [](std::int64_t begin, std::int64_t) {
            if (begin >= 3) fail("piece ", begin);
          });
        },
        "piece 3");
  }
  set_num_threads(0);
}

TEST(Threads, LoopsNest) {
  std::atomic<int> calls = 0;
  parallel_for(4, 1, [&](std::int64_t, std::int64_t) {
    parallel_for(4, 1, [&](std::int64_t, std::int64_t) { ++calls; });
  });
  EXPECT_EQ(calls, 16);
}

TEST(Threads, RefuseANegativeNumber) {
  testing::expect_error([] { set_num_threads(-1); },
                        "set_num_threads: expected at least 0 (all cores), got -1");
}

TEST(BuildInfo, SaysHowTheLibraryWasBuilt) {
  const BuildInfo info = build_info();
  EXPECT_EQ(info.version, EVENKEEL_TEST_VERSION);
  EXPECT_TRUE(info.isa == "AVX-512" || info.isa == "AVX2" || info.isa == "baseline");
  EXPECT_NE(info.compiler, "");
  EXPECT_EQ(info.threads, num_threads());
}

TEST(Log, IsSilentUnlessAsked) {
  set_log_level(LogLevel::off);
  ::testing::internal::CaptureStderr();
  log(LogLevel::error, "nobody ", "asked");
  set_log_level(LogLevel::info);
  log(LogLevel::info, "asked ", 42);
  log(LogLevel::debug, "too fine");
  set_log_level(LogLevel::off);
  const std::string text = ::testing::internal::GetCapturedStderr();
  EXPECT_EQ(text.find("nobody"), std::string::npos);
  EXPECT_NE(text.find("asked 42"), std::string::npos);
  EXPECT_EQ(text.find("too fine"), std::string::npos);
  EXPECT_EQ(log_level(), LogLevel::off);
}

}  // namespace
}  // namespace evenkeel
