/// The arguments of MindSpore's layers: defaults, and what is refused, with what MindSpore 2.10.0 says.

#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>

namespace evenkeel {
namespace {

using namespace testing;
namespace ms = mindspore;

TEST(MindSpore, DefaultsAreItsOwn) {
  const auto batch = ms::batch_norm2d({.num_features = 2});
  EXPECT_EQ(batch.options.eps, 1e-5);
  EXPECT_EQ(batch.momentum, Momentum::mindspore(0.9));
  EXPECT_EQ(batch.batch_statistics, BatchStatistics::automatic);
  EXPECT_EQ(batch.options.running_variance, RunningVariance::unbiased);
  EXPECT_EQ(batch.options.data_format, DataFormat::NCHW);
  const auto instance = ms::instance_norm2d({.num_features = 2});
  EXPECT_TRUE(instance.weight && instance.bias && instance.running);
  EXPECT_EQ(ms::group_norm({.num_groups = 1, .num_channels = 2}).options.eps, 1e-5);
  const auto layer = ms::layer_norm({.normalized_shape = {2}});
  EXPECT_EQ(layer.options.eps, 1e-7);
  EXPECT_EQ(layer.options.begin_norm_axis, -1);
  EXPECT_EQ(layer.options.begin_params_axis, -1);
  for (const auto* module : {static_cast<const Module*>(&batch), static_cast<const Module*>(&instance),
                             static_cast<const Module*>(&layer)})
    EXPECT_FALSE(module->is_training());
}

TEST(MindSpore, RefusesWhatItRefuses) {
  expect_error([] { ms::batch_norm1d({.num_features = 0}); },
               "mindspore::batch_norm1d: num_features must be at least 1, got 0");
  for (const double momentum : {-0.1, 1.5, std::nan("")}) {
    expect_error([&] { ms::batch_norm3d({.num_features = 2, .momentum = momentum}); },
                 "mindspore::batch_norm3d: momentum must be a number in range [0, 1], got ");
    expect_error([&] { ms::instance_norm1d({.num_features = 2, .momentum = momentum}); },
                 "mindspore::instance_norm1d: momentum must be a number in range [0, 1], got ");
  }
  for (const double eps : {0., -1e-5, 1.5, std::nan("")})
    expect_error([&] { ms::batch_norm2d({.num_features = 2, .eps = eps}); },
                 "mindspore::batch_norm2d: eps must be in range (0, 1], got ");
  EXPECT_NO_THROW(ms::batch_norm2d({.num_features = 2, .eps = 1, .momentum = 0}));
  expect_error([] { ms::batch_norm2d({.num_features = 2, .data_format = "NCWH"}); },
               "mindspore::batch_norm2d: data_format must be in ['NCHW', 'NHWC'], got 'NCWH'");
  expect_error([] { ms::instance_norm3d({.num_features = 0}); },
               "mindspore::instance_norm3d: num_features must be at least 1, got 0");
  expect_error([] { ms::instance_norm2d({.num_features = 2, .eps = -1}); }, "eps must be non-negative");
  expect_error([] { ms::group_norm({.num_groups = 0, .num_channels = 4}); },
               "mindspore::group_norm: num_groups must be at least 1, got 0");
  expect_error([] { ms::group_norm({.num_groups = 1, .num_channels = 0}); },
               "mindspore::group_norm: num_channels must be at least 1, got 0");
  expect_error([] { ms::group_norm({.num_groups = 3, .num_channels = 4}); },
               "num_channels (4) must be divisible by num_groups (3)");
  EXPECT_NO_THROW(ms::group_norm({.num_groups = 1, .num_channels = 4, .eps = 0}));
  expect_error([] { ms::layer_norm({.normalized_shape = Shape{}}); },
               "Expected normalized_shape to be at least 1-dimensional");
  expect_error([] { ms::layer_norm({.normalized_shape = {4}, .begin_norm_axis = -2}); },
               "begin_norm_axis and begin_params_axis must lie in [-1, rank of the input), got -2");
}

// Its documents offer xavier_uniform and he_uniform for gamma, but its code refuses every fan of a vector.
TEST(MindSpore, GammaTakesOnlyInitializersOfAVector) {
  for (const char* name : {"zeros", "ones", "ONE", "normal", "Uniform", "truncatednormal"}) {
    EXPECT_NO_THROW(ms::batch_norm2d({.num_features = 4, .gamma_init = name, .beta_init = name}));
    EXPECT_NO_THROW(ms::layer_norm({.normalized_shape = {4}, .gamma_init = name}));
  }
  for (const char* name : {"xavier_uniform", "xavier_normal", "he_uniform", "he_normal", "variancescaling"}) {
    const std::string message = "can not be computed for tensor with fewer than 2 dimensions";
    expect_error([&] { ms::batch_norm2d({.num_features = 4, .gamma_init = name}); }, message);
    expect_error([&] { ms::batch_norm2d({.num_features = 4, .moving_var_init = name}); }, message);
    expect_error([&] { ms::instance_norm2d({.num_features = 4, .beta_init = name}); }, message);
    expect_error([&] { ms::group_norm({.num_groups = 2, .num_channels = 4, .gamma_init = name}); }, message);
    expect_error([&] { ms::layer_norm({.normalized_shape = {4}, .gamma_init = name}); }, message);
    EXPECT_NO_THROW(ms::layer_norm({.normalized_shape = {4, 3}, .gamma_init = name}));
  }
  for (const char* name : {"identity", "orthogonal", "dirac", "sparse", "constant", ""})
    EXPECT_THROW(ms::batch_norm2d({.num_features = 4, .gamma_init = name}), ArgumentError) << name;
}

TEST(MindSpore, InitializersReachTheirValues) {
  const Array given = Array::from(std::vector{3.f, 4.f}, {2});
  const auto cell = ms::batch_norm2d({.num_features = 2,
                                      .gamma_init = given,
                                      .beta_init = 0.5,
                                      .moving_mean_init = "ones",
                                      .moving_var_init = 2});
  EXPECT_EQ(doubles(value_of(cell, "weight")), (std::vector<double>{3, 4}));
  EXPECT_EQ(doubles(value_of(cell, "bias")), (std::vector<double>{0.5, 0.5}));
  EXPECT_EQ(doubles(value_of(cell, "running_mean")), (std::vector<double>{1, 1}));
  EXPECT_EQ(doubles(value_of(cell, "running_var")), (std::vector<double>{2, 2}));
  expect_error([&] { ms::batch_norm2d({.num_features = 3, .gamma_init = given}); },
               "Initializer: expected shape [3], got [2]");
}

// "NHWC" of (N, C) is "NCHW", and works here as on a GPU there.
TEST(MindSpore, FormatsAreNames) {
  const Tensor x(random_values({5, 3}, DType::float32, MemoryOrder::row_major, 1));
  auto nchw = ms::batch_norm1d({.num_features = 3}),
       nhwc = ms::batch_norm1d({.num_features = 3, .data_format = "NHWC"});
  nchw.train();
  nhwc.train();
  EXPECT_EQ(nchw(x).to_vector(), nhwc(x).to_vector());
}

}  // namespace
}  // namespace evenkeel
