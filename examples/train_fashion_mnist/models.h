#pragma once

#include <evenkeel/evenkeel.h>

#include <functional>
#include <string>

namespace fashion {

namespace ek = evenkeel;

/// What follows a convolution: makes the normalization layer for images of so many channels and of size x
/// size pixels.
using NormMaker = std::function<ek::AnyLayer(std::int64_t channels, std::int64_t size)>;

/// `kind` is batch, instance, group, layer or none, `dialect` torch or mindspore.
NormMaker norm_maker(const std::string& kind, const std::string& dialect);

/// `name` is lenet or resnet20, for images [1, 28, 28] of ten classes.
ek::AnyLayer make_model(const std::string& name, const NormMaker& norm);

}  // namespace fashion
