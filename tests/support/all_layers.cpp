#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/flatten.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/mindspore.h>
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

/// A row of a layer with a data_format, made from its options.
template <class L>
LayerCase image_norm(const std::string& name, const Shape& input, typename L::Options options) {
  auto nhwc = options;
  nhwc.data_format = DataFormat::NHWC;
  return layer_case(
      name, input, [=] { return L(options); }, [=] { return L(nhwc); });
}

std::vector<LayerCase> norm_layers() {
  const Shape rows{3, 4}, lines{2, 4, 5}, images{2, 4, 3, 5}, volumes{2, 4, 2, 3, 2};
  const auto gamma = init::normal(1, 0.3), beta = init::normal(0, 0.3);
  return {
      image_norm<BatchNorm1d>("BatchNorm1d", lines, {.num_features = 4}),
      layer_case("BatchNorm1dOfRows", rows, [] { return BatchNorm1d({.num_features = 4}); }),
      image_norm<BatchNorm2d>("BatchNorm2d", images,
                              {.num_features = 4, .gamma_init = gamma, .beta_init = beta}),
      image_norm<BatchNorm2d>("BatchNorm2dUntracked", images,
                              {.num_features = 4, .bias = false, .track_running_stats = false}),
      image_norm<BatchNorm2d>("BatchNorm2dFrozen", images,
                              {.num_features = 4,
                               .batch_statistics = BatchStatistics::never,
                               .running_mean_init = beta,
                               .running_var_init = init::uniform(0.5, 2)}),
      image_norm<BatchNorm2d>("BatchNorm2dInGhosts", {5, 4, 3, 2},
                              {.num_features = 4, .ghost_batch_size = 2}),
      image_norm<BatchNorm3d>("BatchNorm3d", volumes, {.num_features = 4, .affine = false}),
      image_norm<InstanceNorm1d>("InstanceNorm1d", lines, {.num_features = 4}),
      image_norm<InstanceNorm2d>("InstanceNorm2d", images,
                                 {.num_features = 4, .affine = true, .gamma_init = gamma, .beta_init = beta}),
      image_norm<InstanceNorm2d>("InstanceNorm2dTracked", images,
                                 {.num_features = 4, .affine = true, .track_running_stats = true}),
      image_norm<InstanceNorm3d>("InstanceNorm3d", volumes, {.num_features = 4, .affine = true}),
      image_norm<GroupNorm>("GroupNorm", images,
                            {.num_groups = 2, .num_channels = 4, .gamma_init = gamma, .beta_init = beta}),
      image_norm<GroupNorm>("GroupNormOfLines", lines, {.num_groups = 2, .num_channels = 4}),
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

}  // namespace

const std::vector<LayerCase>& all_layers() {
  static const std::vector<LayerCase> all = [] {
    auto rows = basic_layers();
    for (const auto& row : norm_layers()) rows.push_back(row);
    return rows;
  }();
  return all;
}

}  // namespace evenkeel::testing
