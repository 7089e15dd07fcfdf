/// Bugs in the values of normalization layers through history, one test each. The numbers are those of a list
/// of what went wrong in other systems; each test says what it was.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>
#include <limits>

namespace evenkeel {
namespace {

using namespace testing;

constexpr auto rows = MemoryOrder::row_major, last = MemoryOrder::channels_last;

/// max|y - reference| / max|reference| of a layer in training.
template <class T>
double error_of_layer(const Norm& norm, AnyLayer& layer, const Array& x, double eps = 1e-5) {
  Normalization how = norm.definition(x.shape());
  how.eps = eps;
  const auto want = reference<T>(x, x, value_of(*layer, "weight"), value_of(*layer, "bias"), how);
  return error_of<T>(layer(Tensor(x)).value(), want.y);
}

// E[x^2] - E[x]^2 cancels: to a variance of 48425, below zero, to NaN.
TEST(NormHistory, B04) {
  const Array mlx = Array::from(std::vector<float>{1448, 1450, 1448, 1450}, {1, 4, 1});
  LayerNorm of_mlx({.normalized_shape = {4, 1}});
  for (const double y : of_mlx(Tensor(mlx)).to_vector())
    EXPECT_NEAR(std::abs(y), 1 / std::sqrt(1 + 1e-5), 1e-7);

  LayerNorm of_four({.normalized_shape = {4}});
  const Array far = random_values({64, 4}, DType::float32, rows, 1, 2000);
  const auto want = reference<float>(far, far, {}, {}, layer_case({64, 4}, 1, 1).how);
  EXPECT_LE(error_of<float>(of_four(Tensor(far)).value(), want.y), 1e-6);

  BatchNorm2d norm({.num_features = 3, .momentum = Momentum::torch(1)});
  for (const double mean : {1e2, 1e4, 1e6, 1e8}) {  // where a float has no digits left for the variance
    norm(Tensor(random_values({8, 3, 9, 9}, DType::float32, rows, 2, mean, 1e-3)));
    for (const double var : doubles(norm.running->var)) EXPECT_GE(var, 0) << mean;
  }
  for (const auto& each : norms()) {
    AnyLayer layer = each.make({4, 4, 6, 6}, {});
    randomize(*layer);
    for (const double mean : {1449., 1e4, 1e6})
      EXPECT_LE(
          error_of_layer<float>(each, layer, random_values({4, 4, 6, 6}, DType::float32, rows, 3, mean)),
          1e-6)
          << each.name << ", mean " << mean;
  }
}

/// Constants, whatever the number of elements, give exactly beta; so do zeros.
void expect_constant_is_beta(const Shape& shape, DType dtype, double value) {
  for (const auto& each : norms())
    for (const auto order : {rows, last}) {
      if (order == last && shape.rank() < 4) continue;
      AnyLayer layer = each.make(shape, {.dtype = dtype});
      randomize(*layer);
      const Tensor y = layer(Tensor(in_order(full(shape, value, {.dtype = dtype}).stored(), order)));
      const auto beta = doubles(value_of(*layer, "bias")), got = y.to_vector();
      const auto affine = each.definition(shape).affine;
      for (std::size_t i = 0; i < got.size(); ++i)
        ASSERT_EQ(got[i], beta[static_cast<std::size_t>(affine.of(static_cast<std::int64_t>(i), y.size()))])
            << each.name << ' ' << shape << ' ' << dtype << ", " << value;
    }
}

// 100s gave -0.0048, 1.2345e10 gave -84119.5.
TEST(NormHistory, B05) {
  const Shape shapes[]{{2, 2, 2}, {3, 4, 7}, {1, 2, 5, 3}, {2, 6, 16, 32}, {3, 2, 2, 3, 2}};
  for (const Shape& shape : shapes)
    for (const double value : {0.1, 100., 5000., 14., 1e10, 3e38 / 2}) {
      expect_constant_is_beta(shape, DType::float32, value);
      expect_constant_is_beta(shape, DType::float64, value);
    }
  BatchNorm1d of_rows({.num_features = 2});
  of_rows.bias->mutable_value().assign(Array::from(std::vector{0.25f, -3.f}, {2}));
  const Tensor y = of_rows(full({7, 2}, 1.2345e10));
  for (std::size_t i = 0; i < 14; ++i) EXPECT_EQ(y.to_vector()[i], i % 2 == 0 ? 0.25 : -3);
}

// x * a + b with b = beta - mean * a cancels in evaluation: 1e15 gave -1e10.
TEST(NormHistory, B06) {
  BatchNorm2d norm({.num_features = 2, .running_mean_init = 1e6, .running_var_init = 4});
  InstanceNorm2d instance(
      {.num_features = 2, .track_running_stats = true, .running_mean_init = 1e6, .running_var_init = 4});
  norm.eval();
  instance.eval();
  const Array x = random_values({4, 2, 8, 8}, DType::float32, rows, 4, 1e6, 3);
  for (Layer* layer : {static_cast<Layer*>(&norm), static_cast<Layer*>(&instance)})
    for (const auto order : {rows, last}) {
      const Tensor y = (*layer)(Tensor(in_order(x, order)));
      for (std::size_t i = 0; i < doubles(x).size(); i += 3) {
        const double want = (doubles(x)[i] - 1e6) / std::sqrt(4 + 1e-5);
        const auto near = static_cast<float>(want);
        const double ulp = std::abs(std::nextafter(near, 1e9f) - near);
        ASSERT_NEAR(y.to_vector()[i], want, 2 * ulp);
      }
    }
}

// A count in 16 bits, an index in 32.
TEST(NormHistory, B17) {
  for (const Shape& shape : {Shape{70000, 1}, {70000, 1, 2}}) {
    BatchNorm1d norm({.num_features = 1, .momentum = Momentum::torch(1)});
    const Array x = random_values(shape, DType::float32, rows, 5, 3);
    const auto want = reference<float>(x, x, {}, {}, norm_case("batch", shape, rows).how);
    EXPECT_LE(error_of<float>(norm(Tensor(x)).value(), want.y), 1e-6);
    const auto n = static_cast<double>(shape.count());
    EXPECT_NEAR(norm.running->var.data<float>()[0], static_cast<double>(want.var[0]) * n / (n - 1), 1e-6);
  }
  InstanceNorm1d many({.num_features = 1});
  const Array x = random_values({70000, 1, 3}, DType::float32, rows, 6);
  const auto want = reference<float>(x, x, {}, {}, norm_case("", x.shape(), rows, 1).how);
  EXPECT_LE(error_of<float>(many(Tensor(x)).value(), want.y), 1e-6);
}

TEST(NormHistory, B17BeyondInt32) {
  if (std::getenv("EVENKEEL_TEST_HUGE") == nullptr)
    GTEST_SKIP() << "more than 2^31 elements take 18 GB of memory and a minute; EVENKEEL_TEST_HUGE=1 runs it";
  constexpr std::int64_t samples = 32769, pixels = 65536;
  static_assert(samples * pixels > std::numeric_limits<std::int32_t>::max());
  Array x = Array::uninitialized({samples, 1, pixels}, DType::float32);
  std::size_t i = 0;  // 1 and 3, and at the far end 5 and 7
  for (float& value : x.mutable_data<float>()) {
    const bool is_last = i / pixels == samples - 1;
    value = static_cast<float>((is_last ? 5 : 1) + 2 * (i++ % 2));
  }
  const NoGrad no_grad;
  BatchNorm1d batch({.num_features = 1, .momentum = Momentum::torch(1)});
  {
    const Tensor y = batch(Tensor(x));
    const double mean = 2 + 4.0 / samples;
    EXPECT_EQ(batch.running->mean.data<float>()[0], static_cast<float>(mean));
    const double var = 1 + 16.0 / samples * (1 - 1.0 / samples);
    EXPECT_NEAR(y.at({samples - 1, 0, pixels - 1}), (7 - mean) / std::sqrt(var + 1e-5), 1e-5);
  }
  InstanceNorm1d instance({.num_features = 1});
  const Tensor y = instance(Tensor(x));
  EXPECT_NEAR(y.at({samples - 1, 0, pixels - 1}), 1 / std::sqrt(1 + 1e-5), 1e-6);
  EXPECT_NEAR(y.at({samples - 1, 0, pixels - 2}), -1 / std::sqrt(1 + 1e-5), 1e-6);
}

// The variance of 1e30 overflows a float: everything became 0, or NaN.
TEST(NormHistory, B18) {
  const Shape shape{4, 4, 6, 6};
  std::vector<float> signs;
  for (std::int64_t i = 0; i < shape.count(); ++i) signs.push_back(i % 2 == 0 ? 1e30f : -1e30f);
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {});
    const Tensor x = Tensor::from(signs, shape, {.requires_grad = true});
    const Tensor y = layer(x);
    for (std::size_t i = 0; i < signs.size(); ++i)
      ASSERT_EQ(y.to_vector()[i], signs[i] > 0 ? 1 : -1) << each.name;
    const auto dx =
        gradients(y, {x}, {.cotangent = Tensor(random_values(shape, DType::float32, rows, 7))})[0];
    for (const double value : dx.to_vector()) ASSERT_TRUE(std::isfinite(value)) << each.name;
    const Array wide = random_values(shape, DType::float32, rows, 8, 0, 1e30);
    EXPECT_LE(error_of_layer<float>(each, layer, wide), 1e-6) << each.name;
  }
}

// eps outside the root, clamped to 1.001e-5, squared; eps <= 0 where it makes no sense.
TEST(NormHistory, B25) {
  const Shape shape{3, 4, 5, 3};
  const Array x = random_values(shape, DType::float64, rows, 9, 0, 1e-3);  // so that eps matters
  for (const auto& each : norms())
    for (const double eps : {0., 1e-12, 1e-5, 0.1}) {
      AnyLayer layer = each.make(shape, {.eps = eps, .dtype = DType::float64});
      randomize(*layer);
      if (each.name == "BatchNorm" && eps == 0) {
        expect_error([&] { layer(Tensor(x)); }, "BatchNorm2d: eps must be positive during training, got 0");
        layer->eval();
        EXPECT_NO_THROW(layer(Tensor(x)));
        continue;
      }
      EXPECT_LE(error_of_layer<double>(each, layer, x, eps), 1e-12) << each.name << ", eps " << eps;
    }
  for (const auto& each : norms()) {
    for (const double eps : {-1e-5, std::numeric_limits<double>::quiet_NaN()})
      expect_error([&] { each.make(shape, {.eps = eps}); }, "eps must be non-negative and finite, got ");
    AnyLayer layer = each.make(shape, {.eps = 0});
    if (each.name == "BatchNorm") continue;
    for (const double y : layer(full(shape, 3)).to_vector()) ASSERT_EQ(y, 0) << each.name;  // beta
  }
  for (const double eps : {0., -1e-5, 1.5})
    expect_error([&] { mindspore::batch_norm2d({.num_features = 4, .eps = eps}); },
                 "mindspore::batch_norm2d: eps must be in range (0, 1], got ");
}

// A float32 accumulator loses digits over large planes.
TEST(NormHistory, B30) {
  const Shape shape{10, 1, 1000, 1000};
  const Array x = random_values(shape, DType::float32, rows, 10, 1, 0.5);
  for (const auto order : {rows, last}) {
    BatchNorm2d norm({.num_features = 1, .momentum = Momentum::torch(1)});
    norm.to(DType::float64);
    const NoGrad no_grad;
    norm(Tensor(in_order(x, order)).to(DType::float64));
    const double exact_mean = norm.running->mean.data<double>()[0],
                 exact_var = norm.running->var.data<double>()[0];
    norm.to(DType::float32);
    norm(Tensor(in_order(x, order)));
    EXPECT_NEAR(norm.running->mean.data<float>()[0], exact_mean, 1e-7 * exact_mean);
    EXPECT_NEAR(norm.running->var.data<float>()[0], exact_var, 1e-6 * exact_var);
    EXPECT_NEAR(exact_mean, 1, 1e-3);
    EXPECT_NEAR(exact_var, 0.25, 1e-3);
  }
}

// Statistics from one axis on, parameters from another: not the same partition.
TEST(NormHistory, B31) {
  const Shape shape{128, 2, 16, 32};
  LayerNorm norm = mindspore::layer_norm(
      {.normalized_shape = {2, 16, 32}, .begin_norm_axis = 2, .begin_params_axis = 1, .epsilon = 1e-5});
  randomize(norm);
  const Array x = random_values(shape, DType::float32, rows, 11, 0.5);
  const auto want =
      reference<float>(x, x, norm.weight->value(), norm.bias->value(), layer_case(shape, 2, 1).how);
  EXPECT_LE(error_of<float>(norm(Tensor(x)).value(), want.y), 1e-6);
}

// Zeros gave NaN.
TEST(NormHistory, B32) {
  for (const DType dtype : {DType::float32, DType::float64})
    for (const Shape& shape : {Shape{2, 4, 3}, {2, 4, 5, 5}}) expect_constant_is_beta(shape, dtype, 0);
  for (const DType dtype : {DType::int64, DType::uint8}) {
    AnyLayer layer = norms()[0].make({2, 4, 5, 5}, {});
    expect_error(
        [&] {
          layer(zeros({2, 4, 5, 5}, {.dtype = dtype}));
        },
        "BatchNorm2d: expected float32 or float64 input, got ");
  }
}

}  // namespace
}  // namespace evenkeel
