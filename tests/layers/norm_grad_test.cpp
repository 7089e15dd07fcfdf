/// The gradients of every normalization layer and their gradients, by differences: with a random cotangent,
/// random gamma and beta, for all sources together and for each alone.

#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/norms.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using namespace testing;

constexpr auto f64 = DType::float64;

/// Moves running statistics and parameters off what they start with.
void unsettle(Layer& layer) {
  randomize(layer);
  State state = layer.state();
  for (auto& [name, value] : state) {
    if (name == "running_mean") value = random_values(value.shape(), f64, MemoryOrder::row_major, 21, 0.5);
    if (name == "running_var") value = random_values(value.shape(), f64, MemoryOrder::row_major, 22, 2, 0.2);
  }
  layer.load_state(state);
}

void expect_derivatives(Layer& layer, const Tensors& sources, const std::string& what) {
  const Tensor x = sources[0];
  const auto check_sources = [&](const Tensors& wanted, const std::string& of) {
    for (const auto& source : sources) source.set_requires_grad(false);
    for (const auto& source : wanted) source.set_requires_grad(true);
    const auto run = [&](const Tensors&) { return layer(x); };
    const auto first = gradcheck(run, wanted);
    EXPECT_TRUE(first.ok()) << what << ", " << of << ": " << first;
    const auto second = gradgradcheck(run, wanted, {.eps = 1e-5});  // sums of so many terms round
    EXPECT_TRUE(second.ok()) << what << ", second order, " << of << ": " << second;
  };
  check_sources(sources, "all");
  for (std::size_t k = 0; k < sources.size(); ++k) check_sources({sources[k]}, "source " + std::to_string(k));
  for (const auto& source : sources) source.set_requires_grad(true);
}

/// In both modes, of images in both memory orders.
void expect_gradients(AnyLayer layer, const Shape& shape) {
  unsettle(*layer);
  const State before = layer->state();
  const bool is_image = shape.rank() == 4 || shape.rank() == 5;
  for (const bool training : {true, false})
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
      if (order == MemoryOrder::channels_last && !is_image) continue;
      layer->train(training);
      Tensors sources{Tensor(in_order(random_values(shape, f64, MemoryOrder::row_major, 23), order), true)};
      for (const auto& parameter : layer->parameters())
        if (parameter.requires_grad()) sources.push_back(parameter);
      std::ostringstream what;
      what << layer->type_name() << '(' << layer->details() << ") of " << shape
           << (training ? ", training" : ", evaluation")
           << (order == MemoryOrder::row_major ? "" : ", channels-last");
      expect_derivatives(*layer, sources, what.str());
    }
  EXPECT_TRUE(same_state(layer->state(), before));
}

// Small ones, and one whose groups are runs (or columns, channels-last) of the fast kernels.
const std::vector<Shape> images{{3, 2, 3, 1}, {2, 2, 4, 4}, {9, 4, 1, 2}};

TEST(NormGrad, OfBatchNorm) {
  for (const bool tracked : {true, false}) {
    const BatchNormOptions options{.num_features = 2, .track_running_stats = tracked, .dtype = f64};
    expect_gradients(BatchNorm1d(options), {5, 2});
    expect_gradients(BatchNorm1d(options), {2, 2, 3});
    expect_gradients(BatchNorm3d(options), {2, 2, 2, 1, 2});
    for (const Shape& shape : images) {
      const BatchNormOptions of_images{
          .num_features = shape[1], .track_running_stats = tracked, .dtype = f64};
      expect_gradients(BatchNorm2d(of_images), shape);
    }
  }
}

TEST(NormGrad, OfBatchNormWithLessAndOtherOptions) {
  const Shape shape{3, 2, 3, 1};
  expect_gradients(BatchNorm2d({.num_features = 2, .affine = false, .dtype = f64}), shape);
  expect_gradients(BatchNorm2d({.num_features = 2, .bias = false, .dtype = f64}), shape);
  expect_gradients(BatchNorm2d({.num_features = 2, .eps = 0.5, .dtype = f64}), shape);
  for (const std::int64_t size : {2, 3})
    expect_gradients(BatchNorm2d({.num_features = 2, .ghost_batch_size = size, .dtype = f64}), {5, 2, 2, 2});
  expect_gradients(BatchNorm2d({.num_features = 2, .data_format = DataFormat::NHWC, .dtype = f64}),
                   {2, 3, 2, 2});
  expect_gradients(BatchNorm1d({.num_features = 2, .data_format = DataFormat::NHWC, .dtype = f64}),
                   {2, 5, 2});
}

TEST(NormGrad, OfInstanceNorm) {
  for (const bool tracked : {true, false}) {
    const auto options = [&](std::int64_t features) {
      return InstanceNormOptions{
          .num_features = features, .affine = true, .track_running_stats = tracked, .dtype = f64};
    };
    expect_gradients(InstanceNorm1d(options(2)), {2, 2, 5});
    expect_gradients(InstanceNorm1d(options(2)), {2, 5});
    expect_gradients(InstanceNorm3d(options(2)), {2, 2, 2, 1, 3});
    for (const Shape& shape : {Shape{3, 2, 4, 1}, {2, 2, 4, 4}, {3, 12, 3, 2}})
      expect_gradients(InstanceNorm2d(options(shape[1])), shape);
  }
  expect_gradients(InstanceNorm2d({.num_features = 2, .dtype = f64}), {2, 2, 3, 2});
  expect_gradients(
      InstanceNorm2d({.num_features = 2, .affine = true, .data_format = DataFormat::NHWC, .dtype = f64}),
      {2, 3, 2, 2});
}

TEST(NormGrad, OfGroupNorm) {
  for (const std::int64_t groups : {1, 2, 4}) {
    const GroupNorm::Options options{.num_groups = groups, .num_channels = 4, .dtype = f64};
    expect_gradients(GroupNorm(options), {2, 4, 3});
    expect_gradients(GroupNorm(options), {2, 4, 2, 2});
  }
  expect_gradients(GroupNorm({.num_groups = 2, .num_channels = 8, .dtype = f64}), {3, 8});
  expect_gradients(GroupNorm({.num_groups = 2, .num_channels = 4, .dtype = f64}), {1, 4, 4, 4});
  expect_gradients(GroupNorm({.num_groups = 2, .num_channels = 4, .bias = false, .dtype = f64}), {2, 4, 3});
  expect_gradients(GroupNorm({.num_groups = 2, .num_channels = 4, .affine = false, .dtype = f64}), {2, 4, 3});
  expect_gradients(
      GroupNorm({.num_groups = 2, .num_channels = 4, .data_format = DataFormat::NHWC, .dtype = f64}),
      {2, 3, 2, 4});
}

TEST(NormGrad, OfLayerNorm) {
  expect_gradients(LayerNorm({.normalized_shape = {5}, .dtype = f64}), {3, 5});
  expect_gradients(LayerNorm({.normalized_shape = {17}, .dtype = f64}), {2, 17});
  expect_gradients(LayerNorm({.normalized_shape = {3, 2}, .dtype = f64}), {2, 2, 3, 2});
  expect_gradients(LayerNorm({.normalized_shape = {2, 3, 2}, .bias = false, .dtype = f64}), {2, 2, 3, 2});
  expect_gradients(LayerNorm({.normalized_shape = {5}, .elementwise_affine = false, .dtype = f64}), {3, 5});
}

TEST(NormGrad, OfMindSporesLayers) {
  for (const auto use : {std::optional<bool>(), std::optional(true), std::optional(false)})
    for (const bool affine : {true, false})
      expect_gradients(mindspore::batch_norm2d({.num_features = 2,
                                                .affine = affine,
                                                .gamma_init = 2,
                                                .use_batch_statistics = use,
                                                .data_format = affine ? "NHWC" : "NCHW",
                                                .dtype = f64}),
                       affine ? Shape{3, 3, 1, 2} : Shape{3, 2, 3, 1});
  expect_gradients(mindspore::batch_norm1d({.num_features = 2, .dtype = f64}), {4, 2});
  expect_gradients(mindspore::batch_norm3d({.num_features = 2, .dtype = f64}), {2, 2, 2, 1, 2});
  expect_gradients(mindspore::instance_norm2d({.num_features = 2, .dtype = f64}), {2, 2, 3, 2});
  expect_gradients(mindspore::group_norm({.num_groups = 2, .num_channels = 4, .affine = false, .dtype = f64}),
                   {2, 4, 3});
  for (const auto& [norm_axis, params_axis] : {std::pair{2, 1}, {1, 2}, {1, 1}})
    expect_gradients(mindspore::layer_norm({.normalized_shape = params_axis == 1 ? Shape{3, 4} : Shape{4},
                                            .begin_norm_axis = norm_axis,
                                            .begin_params_axis = params_axis,
                                            .dtype = f64}),
                     {2, 3, 4});
  expect_gradients(mindspore::mint::batch_norm2d({.num_features = 2, .momentum = {}, .dtype = f64}),
                   {3, 2, 3, 1});
}

}  // namespace
}  // namespace evenkeel
