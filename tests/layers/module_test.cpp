#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <sstream>

namespace evenkeel {
namespace {

using testing::expect_error;

Array numbers(std::initializer_list<float> values) {
  return Array::from(values, {static_cast<std::int64_t>(values.size())});
}
std::vector<float> values(const Array& array) {
  const auto all = array.data<float>();
  return {all.begin(), all.end()};
}

/// A layer with one of each role.
class Scale final : public Layer {
 public:
  void fields(FieldVisitor& f) override {
    f("gain", gain);
    f("seen", seen);
    f("num_batches_tracked", batches);
    f("rng", rng);
  }
  Tensor forward(const Tensor& x) override { return x * gain; }

  Parameter gain{numbers({2})};
  Array seen = numbers({5, 6}), batches{{}, DType::int64};
  Rng rng{3, 9};
};

/// Everything that fields() takes.
class Block final : public Layer {
 public:
  explicit Block(AnyLayer chosen) : any(std::move(chosen)) {}
  void fields(FieldVisitor& f) override {
    f("stages", stages);
    f("pair", pair);
    f("extra", extra);
    f("none", none);
    f("scales", scales);
    f("any", any);
    f("last", last);
    if (lists_twice) f("last", gain);
    if (!forgetful) f("gain", gain);
  }
  Tensor forward(const Tensor& x) override {
    Tensor y = x;
    for (auto& stage : stages) y = stage(y);
    for (auto& part : pair) y = part(y);
    return last(any((*extra)(y))) * scales[0] * gain;
  }

  std::vector<Scale> stages = std::vector<Scale>(2);
  std::array<Scale, 2> pair;
  std::optional<Scale> extra{std::in_place}, none;
  std::vector<Parameter> scales{Parameter(numbers({1}))};
  AnyLayer any;
  Scale last;
  Parameter gain{numbers({3})};
  bool forgetful = false, lists_twice = false;
};

std::string names(const State& state) {
  std::string all;
  for (const auto& [name, array] : state) all += name + " ";
  return all;
}

TEST(Module, StateListsParametersAndBuffersInTheOrderOfTheFields) {
  Scale scale;
  EXPECT_EQ(names(scale.state()), "gain seen num_batches_tracked ");
  EXPECT_EQ(names(scale.state({.rng = true})), "gain seen num_batches_tracked rng ");
  Block block{Sequential({Scale(), Sequential({Scale()})})};
  std::string all;
  for (const auto& [name, parameter] : block.named_parameters()) all += name + " ";
  EXPECT_EQ(all,
            "stages.0.gain stages.1.gain pair.0.gain pair.1.gain extra.gain scales.0 any.0.gain any.1.0.gain "
            "last.gain gain ");
  all.clear();
  for (const auto& [name, module] : block.named_modules()) all += name + ":" + module->type_name() + " ";
  EXPECT_EQ(all,
            ":Block stages.0:Scale stages.1:Scale pair.0:Scale pair.1:Scale extra:Scale any:Sequential "
            "any.0:Scale any.1:Sequential any.1.0:Scale last:Scale ");
}

TEST(Module, StateIsACopyAndLoadStateCopiesIt) {
  Scale scale;
  const State state = scale.state({.rng = true});
  scale.gain.mutable_value().mutable_data<float>()[0] = 7;
  scale.seen.mutable_data<float>()[0] = 8;
  scale.rng.take(5);
  EXPECT_EQ(values(state[0].second), std::vector<float>{2});
  scale.load_state(state);
  EXPECT_EQ(values(scale.gain.stored()), std::vector<float>{2});
  EXPECT_EQ(values(scale.seen), (std::vector<float>{5, 6}));
  EXPECT_EQ(scale.rng.position(), 9u);
  EXPECT_FALSE(scale.gain.stored().shares_storage_with(state[0].second));
}

TEST(Module, LoadStateTakesArraysThatTheModuleItselfHolds) {
  Sequential two({Scale(), Scale()});
  two.parameters()[1].mutable_value().mutable_data<float>()[0] = 9;
  const auto held = two.parameters();
  State swapped = two.state();
  swapped[0].second = held[1].stored();
  swapped[3].second = held[0].stored();
  two.load_state(swapped);
  EXPECT_EQ(held[0].item(), 9);
  EXPECT_EQ(held[1].item(), 2);
}

TEST(Module, LoadStateListsEverythingThatDoesNotFitAndChangesNothing) {
  Sequential net({Scale(), Scale()});
  State wrong = net.state();
  wrong[0].second = numbers({1, 2});                               // 0.gain
  wrong[1].second = Array({2}, DType::float64);                    // 0.seen
  wrong[3] = {"1.offset", numbers({1})};                           // 1.gain
  wrong[4].second = numbers({50, 60});                             // 1.seen, fits
  wrong.emplace_back("rng", Array::from(std::vector{1, 2}, {2}));  // of no module
  wrong.emplace_back("0.rng", Array());
  const State before = net.state({.rng = true});
  expect_error([&] { net.load_state(wrong); },
               "load_state: nothing was loaded; missing: 1.gain; unexpected: 1.offset rng; 0.gain: expected "
               "float32 [1], got float32 [2]; 0.seen: expected float32 [2], got float64 [2]; 0.rng: expected "
               "int64 [2], got nothing");
  const State after = net.state({.rng = true});
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(std::ranges::equal(before[i].second.bytes(), after[i].second.bytes())) << before[i].first;
  expect_error([&] { net.load_state(wrong, {.strict = false}); }, "0.gain: expected float32 [1]");
  expect_error([&] { net.load_state({}); },
               "nothing was loaded; missing: 0.gain 0.seen 1.gain 1.seen; unexpected: none");
  State twice = net.state();
  twice.push_back(twice[0]);
  expect_error([&] { net.load_state(twice); }, "\"0.gain\" occurs twice");
}

TEST(Module, LoadStateMayMissOnlyCountsAndGenerators) {
  Scale scale;
  scale.batches.mutable_data<std::int64_t>()[0] = 4;
  State some = scale.state();
  some.erase(some.begin() + 2);
  some[0].second = numbers({8});
  scale.load_state(some);
  EXPECT_EQ(scale.gain.item(), 8);
  EXPECT_EQ(scale.batches.data<std::int64_t>()[0], 4);
  EXPECT_EQ(scale.rng.position(), 9u);
}

TEST(Module, LoadStateThatIsNotStrictTakesWhatItKnows) {
  Scale scale;
  scale.load_state({{"seen", numbers({1, 2})}, {"other", numbers({3})}}, {.strict = false});
  EXPECT_EQ(values(scale.seen), (std::vector<float>{1, 2}));
  EXPECT_EQ(scale.gain.item(), 2);
}

TEST(Module, LoadStateKeepsTheParameterThatAnOptimizerHolds) {
  Linear layer({.in_features = 2, .out_features = 2}), other({.in_features = 2, .out_features = 2});
  const Parameter held = layer.weight;
  const auto version = held.stored().version();
  layer.load_state(other.state());
  EXPECT_EQ(held.to_vector(), other.weight.to_vector());
  EXPECT_GT(held.stored().version(), version);
}

TEST(Module, ASharedParameterCountsOnce) {
  struct Tied : Module {
    void fields(FieldVisitor& f) override {
      f("encoder", weight);
      f("decoder", weight);
    }
    Parameter weight{numbers({1, 2})};
  } tied;
  EXPECT_EQ(tied.parameters().size(), 1u);
  EXPECT_EQ(tied.named_parameters()[0].first, "encoder");
  EXPECT_EQ(names(tied.state()), "encoder decoder ");
  tied.set_requires_grad(false);
  EXPECT_EQ(tied.parameters().size(), 1u);
}

TEST(Module, FieldsRefusesNamesThatCannotBeStateNames) {
  struct Named : Module {
    explicit Named(std::string n) : name(std::move(n)) {}
    void fields(FieldVisitor& f) override { f(name, weight); }
    std::string name;
    Parameter weight{numbers({1})};
  };
  expect_error([] { Named("a.b").state(); }, "no dot (dots separate nested modules), got \"a.b\"");
  expect_error([] { Named("").parameters(); }, "got \"\"");
  Block block{Scale()};
  block.lists_twice = true;
  expect_error([&] { block.state(); }, "fields: \"last\" is listed twice");
}

TEST(Module, AnUndefinedBufferIsNamed) {
  struct Empty : Module {
    void fields(FieldVisitor& f) override { f("table", table); }
    Array table;
  } empty;
  expect_error([&] { empty.state(); }, "the buffer \"table\" is undefined");
}

TEST(Module, TrainAndEvalReachAllInsideAndSetOnlyTheFlag) {
  Block block{Sequential({Scale()})};
  EXPECT_TRUE(block.is_training());
  block.eval();
  for (const auto& [name, module] : block.named_modules()) EXPECT_FALSE(module->is_training()) << name;
  for (const auto& parameter : block.parameters()) EXPECT_TRUE(parameter.requires_grad());
  block.train();
  for (const auto& [name, module] : block.named_modules()) EXPECT_TRUE(module->is_training()) << name;
}

TEST(Module, FreezesAndDropsGradients) {
  Scale scale;
  const Tensor x = Tensor::from({1.f}, {1});
  scale(x).backward();
  EXPECT_EQ(scale.gain.grad().item(), 1);
  scale.zero_grad();
  EXPECT_FALSE(scale.gain.has_grad());
  scale.set_requires_grad(false);
  EXPECT_FALSE(scale(x).requires_grad());
  scale.set_requires_grad(true);
  EXPECT_TRUE(scale(x).requires_grad());
}

TEST(Module, ToConvertsFloatsInPlaceAndDropsGradients) {
  Scale scale;
  const Parameter held = scale.gain;
  scale(Tensor::from({1.f}, {1})).backward();
  scale.to(DType::float64);
  EXPECT_EQ(held.dtype(), DType::float64);
  EXPECT_EQ(held.item(), 2);
  EXPECT_FALSE(held.has_grad());
  EXPECT_EQ(scale.seen.dtype(), DType::float64);
  EXPECT_EQ(scale.batches.dtype(), DType::int64);
  scale(Tensor::from({3.0}, {1})).backward();
  EXPECT_EQ(held.grad().dtype(), DType::float64);
  EXPECT_EQ(held.grad().item(), 3);
  expect_error([&] { scale.to(DType::int64); }, "Scale::to: expected float32 or float64, got int64");
}

TEST(Module, PrintsItsTree) {
  Block block{Sequential({Scale()})};
  std::ostringstream text;
  text << block;
  EXPECT_TRUE(text.str().starts_with("Block gain [1]\n  stages.0: Scale gain [1]\n")) << text.str();
  EXPECT_NE(text.str().find("\n  any: Sequential\n    any.0: Scale gain [1]\n"), std::string::npos)
      << text.str();
}

TEST(Module, NamesItsClassWithoutNamespaces) {
  EXPECT_EQ(Scale().type_name(), "Scale");
  EXPECT_EQ(Sequential().type_name(), "Sequential");
}

TEST(Module, MovesWithItsParametersAndDoesNotCopy) {
  static_assert(!std::is_copy_constructible_v<Block> && std::is_move_constructible_v<Block>);
  static_assert(!std::is_copy_assignable_v<Block> && !std::is_copy_constructible_v<AnyLayer>);
  static_assert(!std::is_copy_assignable_v<Parameter> && !std::is_move_assignable_v<Parameter>);
  static_assert(!std::is_assignable_v<Parameter&, Tensor>);
  Scale scale;
  const Parameter held = scale.gain;
  scale.eval();
  int calls = 0;
  scale.register_forward_hook([&](Layer&, const Tensor&, const Tensor&) { ++calls; });
  Scale moved(std::move(scale));
  moved(Tensor::from({1.f}, {1}));
  EXPECT_EQ(moved.gain.node(), held.node());
  EXPECT_FALSE(moved.is_training());
  EXPECT_EQ(calls, 1);
}

}  // namespace
}  // namespace evenkeel
