#pragma once

#include <evenkeel/layers/module.h>

#include <vector>

namespace evenkeel {

struct WeightDecaySplit {
  std::vector<Parameter> decayed, norms_and_biases;
};
/// The parameters of a net, in two lists for an optimizer: those of 2 axes or more, such as the weights of
/// Linear and Conv2d, and the rest, biases and all parameters of normalization layers (of every module that
/// skips_weight_decay()). Decay draws the former towards 0; for the latter it only costs accuracy (He et al.
/// 2019, "Bag of tricks for image classification"). Each parameter is in one of the lists, once.
WeightDecaySplit split_for_weight_decay(const Module& net);

}  // namespace evenkeel
