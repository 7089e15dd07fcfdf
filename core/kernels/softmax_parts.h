#pragma once
/// What softmax and the losses on it share.

#include <evenkeel/core/kernels/exponential.h>
#include <evenkeel/core/kernels/line_vectors.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <limits>

namespace evenkeel::kernels {

/// body(row) for every row, in parallel; an exponential is worth some four cheap operations.
template <class Body>
void for_each_row(std::int64_t rows, std::int64_t classes, Body body) {
  parallel_for(rows, at_least_one(elements_per_task / 4 / at_least_one(classes)),
               [&](std::int64_t row, std::int64_t end) {
                 for (; row < end; ++row) body(row);
               });
}

/// The largest element but NaN, which needs no care: it makes the sum of the exponentials NaN.
template <class T>
double largest_of(const T* row, std::int64_t classes) {
  constexpr auto n = simd::lanes<T>;
  auto best = simd::broadcast(-std::numeric_limits<T>::infinity());
  std::int64_t i = 0;
  for (; i + n <= classes; i += n) {
    const auto v = simd::load(row + i);
    best = v > best ? v : best;
  }
  T largest = best[0];
  for (std::int64_t lane = 1; lane < n; ++lane) largest = std::max(largest, best[lane]);
  for (; i < classes; ++i) largest = std::max(largest, row[i]);
  return static_cast<double>(largest);
}

constexpr double no_class = -std::numeric_limits<double>::infinity();  // whose exponential is 0

/// sum of e^(x - shift); keep(stretch, terms) sees the terms.
template <class T, class Keep>
[[gnu::always_inline]] inline double sum_of_exponentials(const T* row, std::int64_t classes, double shift,
                                                         Keep keep) {
  Doubles sum{};
  const Doubles by = simd::broadcast(shift);
  for_each_stretch(classes, [&](Stretch at) {
    const Doubles terms = simd::exp<T>(at.load(row, no_class) - by);
    keep(at, terms);
    sum += terms;
  });
  return simd::sum_of_lanes(sum);
}

}  // namespace evenkeel::kernels
