#pragma once
/// Results too large for the caches, written past them. An ordinary store reads the line that it is about to
/// overwrite, and in its place drops one that may still be wanted; of a result this large, little would be
/// left in the L2 by the time the next op asks for its beginning.

#include <evenkeel/core/kernels/simd.h>

#include <algorithm>
#include <bit>
#include <cstdint>

namespace evenkeel::kernels {

/// Whether a result of so many bytes is to be written past the caches. Normalizing 8 MiB forward and back
/// takes 28 to 50 % less that way on Zen 4 and Emerald Rapids (one thread; 7 to 50 % on two), and a step of
/// ResNet-20, whose convolutions read such results, no longer. From 6 MiB on, a step of LeNet of batch 128,
/// whose pooling reads 6.1 MiB, took 3 % longer on two threads.
inline bool is_past_caches(std::int64_t bytes) { return bytes >= std::int64_t{8} << 20; }

/// Elements from `to` up to a multiple of `n` of them: where a vector may be streamed, if no other is given.
template <class T>
std::int64_t to_alignment(const T* to, std::int64_t n = simd::lanes<T>) {
  const auto beyond = static_cast<std::int64_t>(std::bit_cast<std::uintptr_t>(to) / sizeof(T)) % n;
  return beyond == 0 ? 0 : n - beyond;
}

/// Whether so many rows of vectors, one behind the other from `to` on, are to be written past the caches:
/// they must begin where vectors may be streamed.
template <class T>
bool are_past_caches(const T* to, std::int64_t rows, std::int64_t width) {
  return is_past_caches(rows * width * static_cast<std::int64_t>(sizeof(T))) && width % simd::lanes<T> == 0 &&
         to_alignment(to) == 0;
}
template <class T>
[[gnu::always_inline]] inline void store_or_stream(bool past_caches, T* to, simd::Vector<T> v) {
  if (past_caches)
    simd::stream(to, v);
  else
    simd::store(to, v);
}

/// How a run is written. `ahead` is the distance to the run that is written next, which is fetched meanwhile
/// unless it goes past the caches; 0 where it simply follows.
struct Writing {
  bool past_caches;
  std::int64_t ahead = 0;
};

/// to[i] = compute(i)[0], to[i + 1] = compute(i)[1], ... in vectors that cover [0, length), which is at least
/// one vector; those at the ends may overlap their neighbours.
template <class T, class Compute>
[[gnu::always_inline]] inline void write_run(T* to, std::int64_t length, Compute compute) {
  constexpr auto n = simd::lanes<T>;
  auto i = to_alignment(to);
  if (i > 0) simd::store(to, compute(0));
  for (; i + n <= length; i += n) simd::store(to + i, compute(i));
  if (i < length) simd::store(to + length - n, compute(length - n));
}
/// The same past the caches, but for the lines at the ends, which neighbours may share: a line that is
/// written in both ways, or in parts, is sent to memory several times.
template <class T, class Compute>
[[gnu::always_inline]] inline void stream_run(T* to, std::int64_t length, Compute compute) {
  constexpr auto n = simd::lanes<T>, line = 64 / static_cast<std::int64_t>(sizeof(T));
  const auto part = [=](std::int64_t i, std::int64_t end) {
    for (; i + n <= end; i += n) simd::store(to + i, compute(i));
    if (i == end) return;
    const auto at = std::min(i, length - n);
    T some[n];
    simd::store(some, compute(at));
    std::copy(some + (i - at), some + (end - at), to + i);
  };
  const auto first = std::min(to_alignment(to, line), length), last = first + (length - first) / line * line;
  part(0, first);
  for (auto i = first; i < last; i += n) simd::stream(to + i, compute(i));
  part(last, length);
}
template <class T, class Compute>
[[gnu::always_inline]] inline void write_run(Writing writing, T* to, std::int64_t length, Compute compute) {
  constexpr std::int64_t mostly_ends = 64;  // elements; so short a run has hardly any whole lines
  if (writing.past_caches && length >= mostly_ends) return stream_run(to, length, compute);
  if (writing.ahead == 0) return write_run(to, length, compute);
  write_run(to, length, [=](std::int64_t i) {
    __builtin_prefetch(to + i + writing.ahead, 1);
    return compute(i);
  });
}

}  // namespace evenkeel::kernels
