/// Initial weights: MindSpore's initializers by name, and the bounds of PyTorch's layers.

#include <evenkeel/layers/conv.h>
#include <evenkeel/layers/initializer.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/golden.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_error;
using testing::Golden;
using testing::GoldenCase;
using testing::same_bits;

Shape shape_of(const GoldenCase& of) { return Shape(of.args.at("shape").get<std::vector<std::int64_t>>()); }

const Golden& of_mindspore() {
  static const Golden golden("init_mindspore.safetensors");
  return golden;
}

/// What our message says where MindSpore's is this one.
std::string expected_message(const std::string& error, const std::string& name) {
  if (error.find("'fan_in' and 'fan_out'") != std::string::npos)
    return "'fan_in' and 'fan_out' can not be computed for tensor with fewer than 2 dimensions, but got "
           "dimensions";
  if (error.find("was not found") != std::string::npos) return "Initializer: unknown name \"" + name + '"';
  if (error.find("missing 1 required") != std::string::npos) return "needs a sparsity";
  return "init::" + name + ": expected ";
}

TEST(GoldenInit, NamesAreTakenAndRefusedAsInMindSpore) {
  const auto cases = of_mindspore().cases("accepts");
  EXPECT_GE(cases.size(), 90u);
  for (const auto& of : cases) {
    const std::string name = of.args.at("init");
    const auto make = [&] { return Initializer(name)(shape_of(of), of.dtype); };
    if (of.all.at("accepted"))
      EXPECT_EQ(make().shape(), shape_of(of)) << name;
    else
      expect_error(make, expected_message(of.all.at("error"), name));
  }
}

Initializer initializer_of(const nlohmann::json& init) {
  if (init.is_string()) return init.get<std::string>();
  if (init.is_boolean()) return init.get<bool>();
  return init.get<double>();
}

TEST(GoldenInit, FixedValuesAreMindSpores) {
  const auto cases = of_mindspore().cases("value");
  EXPECT_GE(cases.size(), 13u);
  for (const auto& of : cases)
    EXPECT_TRUE(
        same_bits(initializer_of(of.args.at("init"))(shape_of(of), of.dtype), of_mindspore()(of, "value")))
        << of.args;
}

Fan fan_of(const nlohmann::json& args) {
  const std::string mode = args.value("mode", "fan_in");
  return mode == "fan_in" ? Fan::in : mode == "fan_out" ? Fan::out : Fan::average;
}

/// MindSpore's classes by our functions.
Initializer distribution_of(const nlohmann::json& args) {
  const std::string name = args.at("init");
  if (name == "Normal") return init::normal(args.at("mean"), args.at("sigma"));
  if (name == "Uniform") return init::uniform(-args.at("scale").get<double>(), args.at("scale"));
  if (name == "TruncatedNormal")
    return init::truncated_normal(args.at("mean"), args.at("sigma"), args.at("a"), args.at("b"));
  if (name == "XavierUniform") return init::xavier_uniform(args.at("gain"));
  if (name == "XavierNormal") return init::xavier_normal(args.at("gain"));
  const auto nonlinearity =
      args.value("nonlinearity", "leaky_relu") == "relu" ? Nonlinearity::relu : Nonlinearity::leaky_relu;
  const init::HeOptions he{args.value("negative_slope", 0.0), fan_of(args), nonlinearity};
  if (name == "HeUniform") return init::he_uniform(he);
  if (name == "HeNormal") return init::he_normal(he);
  if (name != "VarianceScaling") return name;
  // MindSpore's "truncated_normal" draws uniform numbers: its code compares with "truncated_norm".
  const bool is_normal = args.at("distribution") == "untruncated_normal";
  return init::variance_scaling(
      {.scale = args.at("scale"),
       .mode = fan_of(args),
       .distribution = is_normal ? init::Distribution::normal : init::Distribution::uniform});
}

TEST(GoldenInit, DistributionsAreMindSpores) {
  const auto cases = of_mindspore().cases("distribution");
  EXPECT_GE(cases.size(), 40u);
  for (const auto& of : cases) {
    SCOPED_TRACE(of.args.dump());
    const auto fact = [&](const char* name) { return of_mindspore()(of, name).data<double>()[0]; };
    Rng rng(5);
    const auto values = doubles(distribution_of(of.args)(shape_of(of), DType::float64, rng));
    const auto n = static_cast<double>(values.size());
    double mean = 0, square = 0;
    for (const double value : values) mean += value / n;
    for (const double value : values) square += (value - mean) * (value - mean) / n;
    const double std = fact("std");
    EXPECT_NEAR(mean, fact("mean"), 5 * std * std::sqrt(2 / n));  // five standard errors of the difference
    EXPECT_NEAR(std::sqrt(square), std, 5 * std * std::sqrt(1.5 / n));
    const bool is_bounded = fact("max") - fact("mean") < 3 * std && fact("mean") - fact("min") < 3 * std;
    const double apart = is_bounded ? 2e-3 * std : 1.5 * std;  // of the extremes of 400,000 numbers
    EXPECT_NEAR(*std::ranges::min_element(values), fact("min"), apart);
    EXPECT_NEAR(*std::ranges::max_element(values), fact("max"), apart);
  }
}

/// The largest of many draws, all of which lie within +-bound.
template <class Make>
void expect_bounds(Make make, double weight_bound, double bias_bound) {
  double weight = 0, bias = 0;
  for (int draw = 0; draw < 40; ++draw) {
    const auto layer = make();
    for (const double value : layer.weight.to_vector()) weight = std::max(weight, std::abs(value));
    for (const double value : layer.bias->to_vector()) bias = std::max(bias, std::abs(value));
  }
  EXPECT_LE(weight, weight_bound * (1 + 1e-6));
  EXPECT_GE(weight, 0.8 * weight_bound);
  EXPECT_LE(bias, bias_bound * (1 + 1e-6));
  EXPECT_GE(bias, 0.8 * bias_bound);
}

TEST(GoldenInit, BoundsOfLayersArePyTorchs) {
  manual_seed(7);
  const Golden golden("init_torch.safetensors");
  EXPECT_GE(golden.cases().size(), 11u);
  for (const auto& of : golden.cases()) {
    SCOPED_TRACE(of.args.dump());
    const auto number = [&](const char* name) { return of.args.at(name).get<std::int64_t>(); };
    const double weight = golden(of, "weight_bound").data<double>()[0],
                 bias = golden(of, "bias_bound").data<double>()[0];
    if (of.op == "Linear")
      expect_bounds(
          [&] {
            return Linear({.in_features = number("in_features"), .out_features = number("out_features")});
          },
          weight, bias);
    else
      expect_bounds(
          [&] {
            const auto& kernel = of.args.at("kernel_size");
            return Conv2d({.in_channels = number("in_channels"),
                           .out_channels = number("out_channels"),
                           .kernel_size = {kernel[0].get<std::int64_t>(), kernel[1].get<std::int64_t>()},
                           .groups = number("groups")});
          },
          weight, bias);
  }
}

}  // namespace
}  // namespace evenkeel
