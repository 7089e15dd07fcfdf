#pragma once
/// The gradient of a weight is summed over the batch in chunks, each for itself.

#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <cstdint>

namespace evenkeel::kernels {

/// Adds the partial sums of all chunks, in order and in double, where those of the first one lie.
template <class T>
void add_chunks(T* partials, std::int64_t chunks, std::int64_t size) {
  if (chunks == 1) return;
  constexpr std::int64_t piece = 256;
  parallel_for(ceil_div(size, piece), at_least_one(elements_per_task / (piece * chunks)),
               [=](std::int64_t i, std::int64_t end) {
                 for (; i < end; ++i) {
                   const auto n = std::min(piece, size - i * piece);
                   double sums[piece]{};
                   for (std::int64_t chunk = 0; chunk < chunks; ++chunk) {
                     const T* const from = partials + chunk * size + i * piece;
                     for (std::int64_t j = 0; j < n; ++j) sums[j] += static_cast<double>(from[j]);
                   }
                   std::transform(sums, sums + n, partials + i * piece,
                                  [](double sum) { return static_cast<T>(sum); });
                 }
               });
}

}  // namespace evenkeel::kernels
