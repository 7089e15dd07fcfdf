#pragma once
/// The rows of the comparison, by kind. What the opponent needs to compute the same is part of them.

#include <evenkeel/benchmarks/rows/server.h>

namespace evenkeel::benchmarks {

struct OurRow {
  State inputs;  ///< as they are before the first step
  Row row;
};

/// One op through the tape, with the gradients of its input and its parameters: `op=` batch_norm,
/// instance_norm, group_norm, layer_norm, conv2d, max_pool2d, relu, add, cross_entropy, linear.
OurRow op_row(const Spec& spec);
/// `net=` resnet20 (`norm=` batch, group, instance), lenet or mlp, with `batch=`: a step of training, or with
/// `eval=1` a forward pass.
OurRow net_row(const Spec& spec);
/// `scalar=` add, 1,000 sums of two scalars with history, or chain, the forward and backward pass of a chain
/// of 1,000 sums.
OurRow scalar_row(const Spec& spec);

}  // namespace evenkeel::benchmarks
