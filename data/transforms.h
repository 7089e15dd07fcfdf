#pragma once

#include <evenkeel/core/array.h>
#include <evenkeel/core/random.h>
#include <evenkeel/core/window.h>

#include <functional>
#include <span>
#include <vector>

namespace evenkeel::data {

/// What a DataLoader does to the inputs of a batch, one transform after another. `rngs[i]` belongs to sample
/// i alone and is keyed by (seed, epoch, index of the sample), so that what is drawn depends on neither
/// batch, thread nor prefetching; `rngs[i].uniform(rngs[i].take(1))` draws a number in [0, 1). A transform
/// may write to `inputs`, and returns them or others with as many rows. It runs in the loader's worker
/// thread.
using Transform = std::function<Array(Array inputs, std::span<Rng> rngs)>;

/// (x - mean[c]) / std[c] for each channel c of [N, C, ...], floating. Throws ArgumentError for lists of
/// different lengths, a std that is not positive, and inputs of another number of channels.
Transform normalize(std::vector<double> mean, std::vector<double> std);

struct RandomCrop {
  Size2 size = 0;
  Size2 padding = 0;  ///< zeros on each side, before the crop
};
/// A window of `size` at a random place of the padded image, for [N, C, H, W] of any dtype; all places are
/// equally likely. Throws ArgumentError for a size below 1, negative padding, and a window larger than the
/// padded image.
Transform random_crop(const RandomCrop& options);

struct RandomHorizontalFlip {
  double p = 0.5;  ///< probability of a flip
};
/// Mirrors [N, C, H, W] left to right, each sample with probability p. Throws ArgumentError for p outside [0,
/// 1].
Transform random_horizontal_flip(const RandomHorizontalFlip& options = {});

}  // namespace evenkeel::data
