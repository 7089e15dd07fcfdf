#pragma once

#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/random.h>

namespace evenkeel {

struct DropoutOptions {
  double p = 0.5;        ///< the probability that an element is dropped, in [0, 1]
  bool training = true;  ///< otherwise the result is x itself
};
/// Makes each element 0 with probability p and multiplies the others by 1 / (1 - p), float32 or float64.
/// Element i in row-major order, however x is stored, is decided by the generator's i-th number from here, so
/// the result depends on no thread; where BufferUpdates is off the generator is read and not advanced. Throws
/// ArgumentError for p outside [0, 1].
Tensor dropout(const Tensor& x, const DropoutOptions& options = {}, Rng& rng = default_rng());

}  // namespace evenkeel
