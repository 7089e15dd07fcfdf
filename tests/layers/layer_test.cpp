#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/layers/flatten.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <sstream>

namespace evenkeel {
namespace {

using testing::expect_error;

struct Log final : Layer {
  Tensor forward(const Tensor& x) override { return log(x); }
};
struct Gain final : Layer {
  explicit Gain(double value = 2) : gain(Array::from(std::vector{value}, {1}, DType::float32)) {}
  void fields(FieldVisitor& f) override { f("gain", gain); }
  Tensor forward(const Tensor& x) override { return x * gain; }
  Parameter gain;
};
/// Refuses to run in training mode, as a BatchNorm does for one value per channel.
struct EvalOnly final : Layer {
  Tensor forward(const Tensor& x) override {
    check(!is_training(), "EvalOnly: in training mode");
    return x;
  }
};
/// Uses a parameter that it does not list.
struct Forgetful final : Layer {
  Tensor forward(const Tensor& x) override { return x * hidden; }
  Parameter hidden{Array::from(std::vector{3.f}, {1})};
};

const Tensor x = Tensor::from({1.f, 2.f}, {2});

TEST(Layer, HooksRunAfterEachForwardUntilRemoved) {
  Sequential net({Gain(), Gain(3)});
  std::string seen;
  HookHandle hook = net[1].register_forward_hook([&](Layer& layer, const Tensor& in, const Tensor& out) {
    seen += layer.type_name() + std::to_string(in.at({0})) + ">" + std::to_string(out.at({0})) + " ";
    return out * 10;
  });
  HookHandle second = net[1].register_forward_hook(
      [&](Layer&, const Tensor&, const Tensor& out) { EXPECT_EQ(out.at({0}), 60); });
  EXPECT_EQ(net(x).to_vector(), (std::vector<double>{60, 120}));
  EXPECT_EQ(seen, "Gain2.000000>6.000000 ");
  hook.remove();
  second.remove();
  EXPECT_EQ(net(x).to_vector(), (std::vector<double>{6, 12}));
}

TEST(Layer, AHookMayRemoveItself) {
  Gain gain;
  HookHandle hook;
  int calls = 0;
  hook = gain.register_forward_hook([&](Layer&, const Tensor&, const Tensor&) {
    ++calls;
    hook.remove();
  });
  gain(x);
  gain(x);
  EXPECT_EQ(calls, 1);
}

TEST(Layer, AnomaliesTellThePathOfTheModule) {
  Sequential net({Gain(), Sequential({Identity(), Log()})});
  const Tensor bad = Tensor::from({-1.f}, {1});
  const DetectAnomaly on;
  expect_error<GraphError>([&] { net(bad); }, "the output of log in module \"1.1\"");
  expect_error<GraphError>([&] { net[1](bad); }, "in module \"1\"");  // there it is the outermost
  expect_error<GraphError>([&] { Log()(bad); }, "in module \"Log\"");
  expect_error<GraphError>([&] { log(bad); }, "the output of log of float32 [1]");  // after modules, outside
  const Tensor y = net(Tensor::from({1.f}, {1}, {.requires_grad = true}));
  EXPECT_EQ(*y.node()->module_path, "1.1");
  EXPECT_EQ(*y.node()->edges[0].node->module_path, "0");
}

TEST(Layer, PathsAreNotRecordedWithoutDetectAnomaly) {
  Gain gain;
  EXPECT_EQ(gain(x).node()->module_path, nullptr);
}

TEST(Summary, ChangesNothing) {
  Sequential net({Gain(), EvalOnly(), Gain()});
  net.train();
  net[2].eval();
  net.parameters()[0].set_requires_grad(false);
  int calls = 0;
  net[0].register_forward_hook([&](Layer&, const Tensor&, const Tensor&) { ++calls; });
  net.summary({1});
  EXPECT_TRUE(net.is_training() && net[0].is_training() && net[1].is_training());
  EXPECT_FALSE(net[2].is_training());
  EXPECT_FALSE(net.parameters()[0].requires_grad());
  EXPECT_EQ(calls, 1);
  net[0](x);
  EXPECT_EQ(calls, 2);
}

TEST(Summary, RestoresEverythingAfterAnError) {
  Sequential net({Gain(), Linear({.in_features = 3, .out_features = 3})});
  net[1].eval();
  expect_error([&] { net.summary({1, 2}); }, "Linear: expected an input that ends in in_features (3)");
  EXPECT_TRUE(net.is_training() && net[0].is_training());
  EXPECT_FALSE(net[1].is_training());
}

TEST(Summary, UsesTheDtypeOfTheParametersAndCountsASharedOneOnce) {
  struct Tied final : Layer {
    void fields(FieldVisitor& f) override {
      f("a", weight);
      f("b", weight);
      f("table", table);
    }
    Tensor forward(const Tensor& in) override { return in * weight; }
    Parameter weight{Array({7}, DType::float64)};
    Array table{{11}, DType::int64};
  } tied;
  EXPECT_NE(tied.summary({7}).find(" 7       11              0"), std::string::npos) << tied.summary({7});
}

TEST(Summary, TakesModulesWithAnotherSignature) {
  struct Two : Module {
    void fields(FieldVisitor& f) override { f("gain", gain); }
    Tensor operator()(const Tensor& a, const Tensor& b) { return gain(a) + b; }
    Gain gain;
  } two;
  const auto table = two.summary([&] { return two(x, x); });
  EXPECT_NE(table.find("       Two    -"), std::string::npos) << table;
  EXPECT_NE(table.find("gain   Gain   [2]"), std::string::npos) << table;
}

TEST(CheckFields, NamesAParameterThatFieldsForgets) {
  Forgetful net;
  const std::string error = "Forgetful: a parameter of shape [1], used by mul, is not listed in fields()";
  expect_error([&] { check_fields(net, x); }, error);
  expect_error([&] { net.summary({2}); }, error);
  Sequential outer({Gain(), Forgetful()});
  const NoGrad off;  // it needs the graph all the same
  expect_error([&] { check_fields(outer, x); }, "Sequential: a parameter of shape [1]");
}

TEST(CheckFields, AcceptsListedParametersAndTheInput) {
  Sequential net({Gain(), Gain()});
  EXPECT_NO_THROW(check_fields(net, Tensor::from({1.f}, {1}, {.requires_grad = true})));
  net.set_requires_grad(false);
  EXPECT_NO_THROW(check_fields(net, x));
}

TEST(AnyLayer, HoldsALayerThatIsChosenAtRunTime) {
  AnyLayer any = Gain();
  EXPECT_EQ(any(x).to_vector(), (std::vector<double>{2, 4}));
  any = Identity();
  EXPECT_EQ(any->type_name(), "Identity");
  AnyLayer other = std::move(any);
  EXPECT_EQ(other(x).to_vector(), (std::vector<double>{1, 2}));
  expect_error([&] { any(x); }, "AnyLayer: it was moved from");
}

TEST(Sequential, RunsLayersInOrder) {
  Sequential net({Gain(2)});
  net.append(Gain(5)).append(Identity());
  EXPECT_EQ(net.size(), 3u);
  EXPECT_EQ(net(x).to_vector(), (std::vector<double>{10, 20}));
  EXPECT_EQ(net[1].type_name(), "Gain");
  expect_error([&] { net[3]; }, "Sequential: no layer 3, it has 3");
  EXPECT_EQ(Sequential()(x).to_vector(), x.to_vector());
}

TEST(Sequential, KeepsASequentialInsideAsOneLayer) {
  Sequential outer({Sequential({Gain(), Gain()})});
  EXPECT_EQ(outer.size(), 1u);
  EXPECT_EQ(outer.named_parameters()[1].first, "0.1.gain");
}

TEST(Sequential, BracesDrawWeightsInOrder) {
  const Linear::Options o{.in_features = 2, .out_features = 2};
  manual_seed(5);
  const Linear first(o), second(o);
  manual_seed(5);
  Sequential net({Linear(o), Linear(o)});
  EXPECT_EQ(net.parameters()[0].to_vector(), first.weight.to_vector());
  EXPECT_EQ(net.parameters()[2].to_vector(), second.weight.to_vector());
}

}  // namespace
}  // namespace evenkeel
