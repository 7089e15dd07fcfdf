#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/conv.h>
#include <evenkeel/layers/convert_norm.h>
#include <evenkeel/layers/group_norm.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <array>
#include <stdexcept>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;

/// Norm layers in every kind of place.
struct Net final : Layer {
  void fields(FieldVisitor& f) override {
    f("body", body);
    f("chosen", chosen);
    f("plain", plain);
    f("list", list);
    f("maybe", maybe);
  }
  Tensor forward(const Tensor& x) override { return plain(chosen(body(x))); }

  Sequential body{Conv2d({.in_channels = 4, .out_channels = 4, .kernel_size = 1}),
                  Sequential({BatchNorm2d({.num_features = 4})})};
  AnyLayer chosen = BatchNorm2d({.num_features = 4});
  BatchNorm2d plain{{.num_features = 4}};
  std::vector<AnyLayer> list;
  std::optional<InstanceNorm2d> maybe = InstanceNorm2d({.num_features = 4});
};

GroupNorm as_group_norm(const BatchNorm& norm) {
  return GroupNorm({.num_groups = 2, .num_channels = norm.options.num_features});
}

TEST(ConvertNorm, ReplacesWhatIsHeldAndNamesWhatIsNot) {
  Net net;
  net.list.emplace_back(BatchNorm2d({.num_features = 4}));
  const auto left = convert_norm<BatchNorm>(net, as_group_norm);
  EXPECT_EQ(left, std::vector<std::string>{"plain"});
  std::string classes;
  for (const auto& [path, module] : net.named_modules()) classes += path + ":" + module->type_name() + " ";
  EXPECT_EQ(classes,
            ":Net body:Sequential body.0:Conv2d body.1:Sequential body.1.0:GroupNorm chosen:GroupNorm "
            "plain:BatchNorm2d list.0:GroupNorm maybe:InstanceNorm2d ");
  EXPECT_EQ(net(Tensor(normal_array({2, 4, 3, 3}, 1))).shape(), (Shape{2, 4, 3, 3}));
}

TEST(ConvertNorm, TakesABaseClassAndKeepsWhatTheCallableKeeps) {
  Net net;
  const auto left = convert_norm<RunningNorm>(net, [](RunningNorm&) { return std::optional<AnyLayer>(); });
  EXPECT_EQ(left, (std::vector<std::string>{"plain", "maybe"}));
  EXPECT_EQ(net.chosen->type_name(), "BatchNorm2d");
}

TEST(ConvertNorm, KeepsTheMode) {
  Net net;
  net.chosen->eval();
  convert_norm<BatchNorm>(net, as_group_norm);
  EXPECT_FALSE(net.chosen->is_training());
  EXPECT_TRUE(net.body.is_training() && net.body[1].is_training());
}

TEST(ConvertNorm, HandsTheOldLayerOverForItsValues) {
  Net net;
  dynamic_cast<BatchNorm2d&>(*net.chosen).weight->mutable_value().assign(normal_array({4}, 8));
  convert_norm<BatchNorm2d>(net, [](BatchNorm2d& old) {
    GroupNorm norm = as_group_norm(old);
    norm.weight->mutable_value().assign(old.weight->value());
    return norm;
  });
  EXPECT_TRUE(testing::same_bits(net.chosen->parameters()[0].value(), normal_array({4}, 8)));
}

TEST(ConvertNorm, ReplacesNothingWhereTheCallableThrows) {
  Net net;
  int calls = 0;
  const auto fail_at_second = [&](BatchNorm& norm) {
    check(++calls < 2, "no more");
    return as_group_norm(norm);
  };
  expect_error([&] { convert_norm<BatchNorm>(net, fail_at_second); }, "no more");
  EXPECT_EQ(dynamic_cast<Sequential&>(net.body[1])[0].type_name(), "BatchNorm2d");
}

TEST(ConvertNorm, CannotReplaceTheNetItself) {
  BatchNorm2d norm({.num_features = 4});
  EXPECT_EQ(convert_norm<BatchNorm>(norm, as_group_norm), std::vector<std::string>{""});
}

TEST(ConvertNorm, ReplacesAContainerWithoutLookingInside) {
  Net net;
  const auto left = convert_norm<Sequential>(
      net, [](Sequential&) { return Sequential({BatchNorm2d({.num_features = 4})}); });
  EXPECT_EQ(left, std::vector<std::string>{"body"});
  EXPECT_EQ(net.body[1].named_modules().size(), 2u);
}

}  // namespace
}  // namespace evenkeel
