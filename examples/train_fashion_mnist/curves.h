#pragma once

#include <evenkeel/examples/train_fashion_mnist/history.h>

#include <string>

namespace fashion {

/// Loss, accuracy and learning rate over the epochs: a picture that stands alone, for light and dark pages.
std::string learning_curves_svg(const History& history);

}  // namespace fashion
