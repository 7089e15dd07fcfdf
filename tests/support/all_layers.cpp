#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/conv.h>
#include <evenkeel/layers/dropout.h>
#include <evenkeel/layers/flatten.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/layers/pool.h>
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
      layer_case("Sequential", images,
                 [] {
                   return Sequential({Flatten(), Linear({.in_features = 80, .out_features = 3})});
                 }),
  };
}

/// A row of a layer with a data_format, made from its options.
template <class L>
LayerCase image_case(const std::string& name, const Shape& input, typename L::Options options) {
  auto nhwc = options;
  nhwc.data_format = DataFormat::NHWC;
  return layer_case(
      name, input, [=] { return L(options); }, [=] { return L(nhwc); });
}

std::vector<LayerCase> norm_layers() {
  const Shape rows{3, 4}, lines{2, 4, 5}, images{2, 4, 3, 5}, volumes{2, 4, 2, 3, 2};
  const auto gamma = init::normal(1, 0.3), beta = init::normal(0, 0.3);
  return {
      image_case<BatchNorm1d>("BatchNorm1d", lines, {.num_features = 4}),
      layer_case("BatchNorm1dOfRows", rows, [] { return BatchNorm1d({.num_features = 4}); }),
      image_case<BatchNorm2d>("BatchNorm2d", images,
                              {.num_features = 4, .gamma_init = gamma, .beta_init = beta}),
      image_case<BatchNorm2d>("BatchNorm2dUntracked", images,
                              {.num_features = 4, .bias = false, .track_running_stats = false}),
      image_case<BatchNorm2d>("BatchNorm2dFrozen", images,
                              {.num_features = 4,
                               .batch_statistics = BatchStatistics::never,
                               .running_mean_init = beta,
                               .running_var_init = init::uniform(0.5, 2)}),
      image_case<BatchNorm2d>("BatchNorm2dInGhosts", {5, 4, 3, 2},
                              {.num_features = 4, .ghost_batch_size = 2}),
      image_case<BatchNorm3d>("BatchNorm3d", volumes, {.num_features = 4, .affine = false}),
      image_case<InstanceNorm1d>("InstanceNorm1d", lines, {.num_features = 4}),
      image_case<InstanceNorm2d>("InstanceNorm2d", images,
                                 {.num_features = 4, .affine = true, .gamma_init = gamma, .beta_init = beta}),
      image_case<InstanceNorm2d>("InstanceNorm2dTracked", images,
                                 {.num_features = 4, .affine = true, .track_running_stats = true}),
      image_case<InstanceNorm3d>("InstanceNorm3d", volumes, {.num_features = 4, .affine = true}),
      image_case<GroupNorm>("GroupNorm", images,
                            {.num_groups = 2, .num_channels = 4, .gamma_init = gamma, .beta_init = beta}),
      image_case<GroupNorm>("GroupNormOfLines", lines, {.num_groups = 2, .num_channels = 4}),
      layer_case("LayerNorm", images,
                 [=] {
                   return LayerNorm({.normalized_shape = {3, 5}, .gamma_init = gamma, .beta_init = beta});
                 }),
      layer_case("BatchNorm2dOfMindSpore", images,
                 [] { return mindspore::batch_norm2d({.num_features = 4}); }),
      layer_case("BatchNorm2dOfMindSporeFixed", images,
                 [] {
                   return mindspore::batch_norm2d(
                       {.num_features = 4, .affine = false, .gamma_init = 2, .use_batch_statistics = false});
                 }),
      layer_case("InstanceNorm2dOfMindSpore", images,
                 [] { return mindspore::instance_norm2d({.num_features = 4}); }),
      layer_case("GroupNormOfMindSpore", images,
                 [] { return mindspore::group_norm({.num_groups = 2, .num_channels = 4}); }),
      layer_case("LayerNormOfMindSpore", images,
                 [] { return mindspore::layer_norm({.normalized_shape = {5}}); }),
  };
}

std::vector<LayerCase> activations() {
  const Shape images{2, 4, 5, 4};
  return {
      layer_case("ReLU", images, [] { return ReLU(); }),
      layer_case("LeakyReLU", images, [] { return LeakyReLU(); }),
      layer_case("LeakyReLUSteep", {7}, [] { return LeakyReLU({.negative_slope = 0.5}); }),
      layer_case("GELU", images, [] { return GELU(); }),
      layer_case("GELUByTanh", images, [] { return GELU({.approximate = Gelu::tanh}); }),
      layer_case("SiLU", images, [] { return SiLU(); }),
      layer_case("Sigmoid", images, [] { return Sigmoid(); }),
      layer_case("Tanh", images, [] { return Tanh(); }),
      layer_case("Softplus", images, [] { return Softplus(); }),
      layer_case("SoftplusSteep", {3, 5}, [] { return Softplus({.beta = 2, .threshold = 1.5}); }),
      layer_case("Softmax", images, [] { return Softmax({.axis = 1}); }),
      layer_case("LogSoftmax", {3, 5}, [] { return LogSoftmax({.axis = -1}); }),
      layer_case("Dropout", images, [] { return Dropout(); }),
      layer_case("DropoutOfFew", {3, 5}, [] { return Dropout({.p = 0.1}); }),
  };
}

std::vector<LayerCase> layers_of_images() {
  const Shape images{2, 4, 6, 5};
  return {
      image_case<Conv2d>("Conv2d", images,
                         {.in_channels = 4, .out_channels = 3, .kernel_size = 3, .padding = 1}),
      image_case<Conv2d>("Conv2dStridedWithoutBias", images,
                         {.in_channels = 4,
                          .out_channels = 6,
                          .kernel_size = {2, 3},
                          .stride = 2,
                          .groups = 2,
                          .bias = false}),
      image_case<MaxPool2d>("MaxPool2d", images, {.kernel_size = 2}),
      image_case<MaxPool2d>("MaxPool2dPadded", images, {.kernel_size = 3, .stride = 2, .padding = 1}),
      image_case<AvgPool2d>("AvgPool2d", images, {.kernel_size = {3, 2}, .stride = 1, .padding = {1, 0}}),
      image_case<AdaptiveAvgPool2d>("AdaptiveAvgPool2d", images, {.output_size = {2, 3}}),
  };
}

}  // namespace

const std::vector<LayerCase>& all_layers() {
  static const std::vector<LayerCase> all = [] {
    auto rows = basic_layers();
    for (const auto& more : {norm_layers(), activations(), layers_of_images()})
      rows.insert(rows.end(), more.begin(), more.end());
    return rows;
  }();
  return all;
}

}  // namespace evenkeel::testing
