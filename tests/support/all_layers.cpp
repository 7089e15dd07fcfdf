#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/flatten.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/all_layers.h>

namespace evenkeel::testing {
namespace {

std::vector<LayerCase> basic_layers() {
  const Shape images{2, 4, 5, 4};
  return {
      layer_case("Linear", {3, 4}, [] { return Linear({.in_features = 4, .out_features = 5}); }),
      layer_case("LinearWithoutBias", {2, 3, 4},
                 [] { return Linear({.in_features = 4, .out_features = 2, .bias = false}); }),
      layer_case("Flatten", images, [] { return Flatten(); }),
      layer_case("Identity", {3, 4}, [] { return Identity(); }),
      layer_case("ReLU", images, [] { return ReLU(); }),
      layer_case("Sequential", images,
                 [] {
                   return Sequential({Flatten(), Linear({.in_features = 80, .out_features = 3})});
                 }),
  };
}

}  // namespace

const std::vector<LayerCase>& all_layers() {
  static const std::vector<LayerCase> all = basic_layers();
  return all;
}

}  // namespace evenkeel::testing
