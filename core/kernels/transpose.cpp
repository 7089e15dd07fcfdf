// Long matrices are cut into stripes for the threads.

#include <evenkeel/core/kernels/transpose.h>
#include <evenkeel/core/kernels/transpose_matrix.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;

template <class T, std::size_t n>
void transpose_all(const void* source, void* target, Index matrices, Index rows, Index columns) {
  const auto* const from = static_cast<const T*>(source);
  auto* const to = static_cast<T*>(target);
  constexpr Index stripe = 1024;
  const auto length = std::max(rows, columns), width = std::min(rows, columns);
  const auto stripes = ceil_div(length, stripe);
  const auto grain = at_least_one(elements_per_task / (std::min(length, stripe) * width));
  parallel_for(matrices * stripes, grain, [=](Index first, Index last) {
    for (auto i = first; i < last; ++i) {
      const auto matrix = i / stripes * rows * columns, begin = i % stripes * stripe,
                 some = std::min(length - begin, stripe);
      if (columns > rows)
        transpose_matrix<T, n>(from + matrix + begin, columns, to + matrix + begin * rows, rows, rows, some);
      else
        transpose_matrix<T, n>(from + matrix + begin * columns, columns, to + matrix + begin, rows, some,
                               columns);
    }
  });
}

}  // namespace

void transpose(const void* from, void* to, Index matrices, Index rows, Index columns, Index element) {
  if (matrices * rows * columns == 0) return;
  if (element == 8)
    transpose_all<double, simd::lanes<double>>(from, to, matrices, rows, columns);
  else if (element == 4)
    transpose_all<float, simd::lanes<float>>(from, to, matrices, rows, columns);
  else
    transpose_all<std::uint8_t, 1>(from, to, matrices, rows, columns);
}

}  // namespace evenkeel::kernels
