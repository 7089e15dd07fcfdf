#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/golden_norm.h>

#include <vector>

namespace evenkeel::testing {
namespace {

Shape shape_of(const nlohmann::json& dims) { return Shape(dims.get<std::vector<std::int64_t>>()); }

template <class L>
AnyLayer torch_running_norm(const GoldenCase& of) {
  const auto& a = of.all.at("args");
  return L(
      {.num_features = a.at("num_features").get<std::int64_t>(),
       .eps = a.at("eps"),
       .momentum = a.at("momentum").is_null() ? Momentum::cumulative() : Momentum::torch(a.at("momentum")),
       .affine = a.at("affine"),
       .bias = a.at("bias"),
       .track_running_stats = a.at("track_running_stats"),
       .dtype = of.dtype});
}

template <class F>
AnyLayer mindspore_batch_norm(F make, const GoldenCase& of) {
  const auto& a = of.all.at("args");
  const auto& statistics = a.at("use_batch_statistics");
  const bool biased = a.value("running_variance", "unbiased") == "biased";
  return make({.num_features = a.at("num_features").get<std::int64_t>(),
               .eps = a.at("eps"),
               .momentum = a.at("momentum"),
               .affine = a.at("affine"),
               .gamma_init = a.value("gamma_init", 1.0),
               .beta_init = a.value("beta_init", 0.0),
               .use_batch_statistics =
                   statistics.is_null() ? std::nullopt : std::optional<bool>(statistics.get<bool>()),
               .data_format = a.value("data_format", "NCHW"),
               .dtype = of.dtype,
               .running_variance = biased ? RunningVariance::biased : RunningVariance::unbiased},
              default_rng());
}

template <class F>
AnyLayer mindspore_instance_norm(F make, const GoldenCase& of) {
  const auto& a = of.all.at("args");
  return make({.num_features = a.at("num_features").get<std::int64_t>(),
               .eps = a.at("eps"),
               .momentum = a.at("momentum"),
               .affine = a.at("affine"),
               .gamma_init = a.value("gamma_init", 1.0),
               .beta_init = a.value("beta_init", 0.0),
               .dtype = of.dtype},
              default_rng());
}

}  // namespace

AnyLayer torch_norm(const GoldenCase& of) {
  const auto& a = of.all.at("args");
  if (of.op == "BatchNorm1d") return torch_running_norm<BatchNorm1d>(of);
  if (of.op == "BatchNorm2d") return torch_running_norm<BatchNorm2d>(of);
  if (of.op == "BatchNorm3d") return torch_running_norm<BatchNorm3d>(of);
  if (of.op == "InstanceNorm1d") return torch_running_norm<InstanceNorm1d>(of);
  if (of.op == "InstanceNorm2d") return torch_running_norm<InstanceNorm2d>(of);
  if (of.op == "InstanceNorm3d") return torch_running_norm<InstanceNorm3d>(of);
  if (of.op == "GroupNorm")
    return GroupNorm({.num_groups = a.at("num_groups").get<std::int64_t>(),
                      .num_channels = a.at("num_channels").get<std::int64_t>(),
                      .eps = a.at("eps"),
                      .affine = a.at("affine"),
                      .bias = a.at("bias"),
                      .dtype = of.dtype});
  check(of.op == "LayerNorm", "torch_norm: no layer ", of.op);
  return LayerNorm({.normalized_shape = shape_of(a.at("normalized_shape")),
                    .eps = a.at("eps"),
                    .elementwise_affine = a.at("elementwise_affine"),
                    .bias = a.at("bias"),
                    .dtype = of.dtype});
}

AnyLayer mindspore_norm(const GoldenCase& of) {
  const auto& a = of.all.at("args");
  if (of.op == "BatchNorm1d") return mindspore_batch_norm(mindspore::batch_norm1d, of);
  if (of.op == "BatchNorm2d") return mindspore_batch_norm(mindspore::batch_norm2d, of);
  if (of.op == "BatchNorm3d") return mindspore_batch_norm(mindspore::batch_norm3d, of);
  if (of.op == "InstanceNorm1d") return mindspore_instance_norm(mindspore::instance_norm1d, of);
  if (of.op == "InstanceNorm2d") return mindspore_instance_norm(mindspore::instance_norm2d, of);
  if (of.op == "InstanceNorm3d") return mindspore_instance_norm(mindspore::instance_norm3d, of);
  if (of.op == "GroupNorm")
    return mindspore::group_norm({.num_groups = a.at("num_groups").get<std::int64_t>(),
                                  .num_channels = a.at("num_channels").get<std::int64_t>(),
                                  .eps = a.at("eps"),
                                  .affine = a.at("affine"),
                                  .gamma_init = a.value("gamma_init", 1.0),
                                  .beta_init = a.value("beta_init", 0.0),
                                  .dtype = of.dtype});
  check(of.op == "LayerNorm", "mindspore_norm: no layer ", of.op);
  return mindspore::layer_norm({.normalized_shape = shape_of(a.at("normalized_shape")),
                                .begin_norm_axis = a.at("begin_norm_axis"),
                                .begin_params_axis = a.at("begin_params_axis"),
                                .epsilon = a.at("epsilon"),
                                .dtype = of.dtype});
}

}  // namespace evenkeel::testing
