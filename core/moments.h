#pragma once

#include <evenkeel/core/array.h>
#include <evenkeel/core/groups.h>

namespace evenkeel {

/// Mean and (biased) variance of each group, float64 whatever the input, and the number of elements of each
/// group.
struct Moments {
  Array mean, var;
  std::int64_t count = 0;
};
/// The moments of both together (Chan, Golub & LeVeque 1979): of micro-batches, later of processes.
Moments merge(const Moments& a, const Moments& b);

/// Which elements share a mean, and which share a scale. N is the batch; M and D are what layer norm makes of
/// the shape.
///
///              row-major: moments   affine        channels-last: moments   affine
///   batch      {1, C, HW}           {1, C, HW}    {1, C, 1}                {1, C, 1}
///   instance   {1, N*C, HW}         {1, C, HW}    {N, C, 1}                {1, C, 1}
///   group      {1, N*G, C/G*HW}     {1, C, HW}    {N, G, C/G}              {1, C, 1}
///   layer      {1, M, D}            {1, D, 1}     (asks for row-major)
struct Normalization {
  Groups moments, affine;
  double eps = 1e-5;
  /// Whether the moments are those of the input: then its gradient flows through them as well.
  bool moments_of_input = true;
  /// The memory order of the values that both partitions speak of.
  MemoryOrder order = MemoryOrder::row_major;

  /// Neighbours that share both.
  std::int64_t run() const {
    const auto shorter = moments.inner < affine.inner ? moments.inner : affine.inner;
    return shorter > 0 ? shorter : 1;
  }
};

}  // namespace evenkeel
