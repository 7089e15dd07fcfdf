#pragma once

#include <evenkeel/layers/running_norm.h>

#include <string>
#include <vector>

namespace evenkeel {

/// Freezes every BatchNorm and InstanceNorm of the net that has running statistics which training moves: they
/// normalize by these and leave them, and weight and bias stop training, whatever train() says later. For
/// fine-tuning by batches that are too small, or too unlike, for statistics of their own. Returns the paths
/// of the layers that have none; they stay as they are.
///
///     freeze_norm(net, {.affine = false});  // weight and bias go on training
std::vector<std::string> freeze_norm(Module& net, FreezeOptions how = {});
/// Undoes it: each layer is as it was before freeze_norm, also one whose parameters were not training then.
void unfreeze_norm(Module& net);

}  // namespace evenkeel
