#pragma once

#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/conv.h>
#include <evenkeel/layers/linear.h>

namespace evenkeel {

/// One layer that gives what bn(conv(x)) gives in evaluation: with s = bn.weight / sqrt(running_var + eps)
/// its weight is conv.weight * s and its bias (conv.bias - running_mean) * s + bn.bias, computed in double
/// and rounded once to the dtype of conv. Its options and mode are those of conv. Both layers stay as they
/// are.
///
/// Throws ArgumentError where channels or data formats differ, where bn has no running statistics or
/// normalizes by the batch in evaluation too (BatchStatistics::always), and for a negative running_var.
Conv2d fold_batch_norm(const Conv2d& conv, const BatchNorm2d& bn);
/// The same for a Linear, for input [N, in_features].
Linear fold_batch_norm(const Linear& linear, const BatchNorm1d& bn);

}  // namespace evenkeel
