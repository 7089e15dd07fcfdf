#pragma once
/// Fetching what comes next while memory is idle. A core waits when it has as many cache lines on their way
/// as it can (a dozen or so), so a few are asked for at a time, at steps spread over all of the work.

#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <cstdint>
#include <tuple>
#include <type_traits>

namespace evenkeel::kernels {

/// Neighbouring elements that are about to be read or written.
template <class T>
struct Region {
  T* first = nullptr;
  std::int64_t size = 0;
};

/// A region on its way into the cache.
template <class T>
class Fetch {
 public:
  Fetch(const Region<T>& region, std::int64_t steps)
      : left_(region), at_a_step_(ceil_div(ceil_div(region.size, line), at_least_one(steps)) * line) {}
  void step() {
    const auto size = std::min(at_a_step_, left_.size);
    for (std::int64_t i = 0; i < size; i += line)
      __builtin_prefetch(left_.first + i, std::is_const_v<T> ? 0 : 1, 2);
    left_ = {left_.first + size, left_.size - size};
  }

 private:
  static constexpr std::int64_t line = 64 / sizeof(T);
  Region<T> left_;
  std::int64_t at_a_step_;  // elements
};

/// Regions that are fetched side by side.
template <class... T>
class Ahead {
 public:
  /// All of them by so many steps.
  explicit Ahead(std::int64_t steps, const Region<T>&... regions) : fetches_(Fetch<T>(regions, steps)...) {}
  [[gnu::always_inline]] void step() {
    auto* fetches = &fetches_;
    // Another address each time, for all that the compiler knows, lest it keep what lies there in registers
    // that the loops around need.
    asm volatile("" : "+r"(fetches));
    std::apply([](Fetch<T>&... fetch) { (fetch.step(), ...); }, *fetches);
  }
  void steps(std::int64_t count) {
    for (; count > 0; --count) step();
  }

 private:
  std::tuple<Fetch<T>...> fetches_;
};

}  // namespace evenkeel::kernels
