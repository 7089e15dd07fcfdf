#pragma once
/// Fetching what comes next while memory is idle. A core waits when it has as many cache lines on their way
/// as it can (a dozen or so), so a few are asked for at a time, at steps spread over all of the work.

#include <evenkeel/core/parallel.h>

#include <cstdint>
#include <tuple>
#include <type_traits>

namespace evenkeel::kernels {

/// Elements that are about to be read or written: `count` times `size` neighbours, `pitch` apart.
template <class T>
struct Region {
  T* first = nullptr;
  std::int64_t size = 0, count = 1, pitch = 0;
};

/// A region on its way into the cache.
template <class T>
class Fetch {
 public:
  Fetch(const Region<T>& region, std::int64_t steps)
      : region_(region), lines_(ceil_div(region.count * ceil_div(region.size, line), at_least_one(steps))) {
    if (region_.size == 0) region_.count = 0;
  }
  void step() {
    for (auto i = lines_; i > 0 && region_.count > 0; --i) {
      __builtin_prefetch(region_.first + at_, std::is_const_v<T> ? 0 : 1, 2);
      at_ += line;
      if (at_ < region_.size) continue;
      at_ = 0;
      if (--region_.count > 0) region_.first += region_.pitch;
    }
  }

 private:
  static constexpr std::int64_t line = 64 / sizeof(T);
  Region<T> region_;             // what is left of it
  std::int64_t at_ = 0, lines_;  // in its first run; at a step
};

/// Regions that are fetched side by side.
template <class... T>
class Ahead {
 public:
  /// All of them by so many steps.
  explicit Ahead(std::int64_t steps, const Region<T>&... regions) : fetches_(Fetch<T>(regions, steps)...) {}
  void step() {
    std::apply([](Fetch<T>&... fetch) { (fetch.step(), ...); }, fetches_);
  }
  void steps(std::int64_t count) {
    for (; count > 0; --count) step();
  }

 private:
  std::tuple<Fetch<T>...> fetches_;
};

}  // namespace evenkeel::kernels
