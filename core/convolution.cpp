#include <evenkeel/core/convolution.h>

#include <atomic>

namespace evenkeel {
namespace {

std::atomic<Conv2dAlgorithm> default_algorithm = Conv2dAlgorithm::automatic;

}  // namespace

void set_default_conv2d_algorithm(Conv2dAlgorithm algorithm) { default_algorithm = algorithm; }
Conv2dAlgorithm default_conv2d_algorithm() { return default_algorithm; }

}  // namespace evenkeel
