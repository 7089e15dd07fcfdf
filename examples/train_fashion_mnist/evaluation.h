#pragma once

#include <evenkeel/evenkeel.h>

#include <array>
#include <vector>

namespace fashion {

namespace ek = evenkeel;

constexpr int classes = 10;

/// An image that was taken for something else.
struct Mistake {
  std::int64_t index = 0;  ///< in the data set
  int truth = 0, guess = 0;
  double confidence = 0;  ///< the probability that the net gave its guess
};

/// How well a net knows a data set.
struct Evaluation {
  double loss = 0, accuracy = 0;
  std::array<std::array<std::int64_t, classes>, classes> confusion{};  ///< [truth][guess]
  std::vector<Mistake> mistakes;                                       ///< the surest first
};

/// Runs the net in eval mode, without history, on all images as `normalize` turns them; leaves it in eval
/// mode.
Evaluation evaluate(ek::Layer& net, const ek::data::ImageDataset& images,
                    const ek::data::Transform& normalize);

}  // namespace fashion
