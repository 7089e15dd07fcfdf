// Two threads of one parallel loop: with an argument they write to one number, without it each to its own.
// ThreadSanitizer must report the first and accept the second, else its silence elsewhere means nothing.
#include <evenkeel/core/parallel.h>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdio>

int main(int count, char**) {
  const bool plant = count > 1;
  std::array<long, 2> sums{};
  std::atomic<int> arrived = 0;
  std::atomic<bool> first_has_written = false;
  evenkeel::set_num_threads(2);
  evenkeel::parallel_for(2, 1, [&](auto begin, auto) {
    // Each by its own thread: one that is done would take the other's piece.
    arrived.fetch_add(1, std::memory_order::relaxed);
    while (arrived.load(std::memory_order::relaxed) < 2) {
    }
    // One after the other: ThreadSanitizer may miss two accesses of the same instant.
    // Relaxed, so that waiting orders nothing.
    while (begin == 1 && !first_has_written.load(std::memory_order::relaxed)) {
    }
    sums[plant ? 0 : static_cast<std::size_t>(begin)] += begin + 1;
    first_has_written.store(true, std::memory_order::relaxed);
  });
  std::printf("%ld\n", sums[0] + sums[1]);
}
