#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/optim/sgd.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/fed_parameter.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::feed;
using testing::normal_array;
using testing::parameter;
using testing::same_bits;

TEST(Sgd, FollowsTheFormula) {
  const Parameter p = parameter({1, -2});
  SGD sgd({p}, {.lr = 0.5, .momentum = 0.5, .weight_decay = 0.25});
  feed(p, {2, 4});
  sgd.step();  // g = {2.25, 3.5}, v = g
  EXPECT_EQ(p.to_vector(), (std::vector<double>{1 - 0.5 * 2.25, -2 - 0.5 * 3.5}));
  sgd.step();  // g = {2 - 0.03125, 4 - 0.9375}, v = 0.5 v + g
  EXPECT_EQ(p.to_vector(),
            (std::vector<double>{-0.125 - 0.5 * (1.125 + 1.96875), -3.75 - 0.5 * (1.75 + 3.0625)}));
}

TEST(Sgd, GroupsOverrideWhatTheyName) {
  const Parameter a = parameter({1}), b = parameter({1}), c = parameter({1});
  SGD sgd({{.parameters = {a}},
           {.parameters = {b}, .weight_decay = 0},
           {.parameters = {c}, .lr = 0.25, .maximize = true}},
          {.lr = 0.5, .weight_decay = 1});
  for (const auto& p : {a, b, c}) feed(p, {2});
  sgd.step();
  EXPECT_EQ(a.item(), 1 - 0.5 * 3);
  EXPECT_EQ(b.item(), 1 - 0.5 * 2);
  EXPECT_EQ(c.item(), 1 - 0.25 * (-2 + 1));
  ASSERT_EQ(sgd.groups().size(), 3u);
  EXPECT_EQ(sgd.options(1).weight_decay, 0);
  EXPECT_EQ(sgd.options(1).lr, 0.5);
  EXPECT_EQ(sgd.groups()[2].parameters[0].node(), c.node());
}

TEST(Sgd, TakesOneGroupAndDefaults) {
  const Parameter a = parameter({1});
  SGD one({{.parameters = {a}, .lr = 2}}, {.momentum = 0.5});
  EXPECT_EQ(one.groups()[0].lr, 2);
  EXPECT_EQ(*one.groups()[0].momentum, 0.5);
  SGD groups({{.parameters = {a}, .nesterov = false}});
  SGD plain({a});
  EXPECT_EQ(plain.options().lr, 1e-3);
  EXPECT_EQ(groups.options().lr, 1e-3);
}

TEST(Sgd, ObeysWhatIsWrittenBetweenSteps) {
  const Parameter p = parameter({0});
  SGD sgd({p}, {.lr = 1});
  feed(p, {1});
  sgd.groups()[0].lr = 0.25;
  sgd.step();
  EXPECT_EQ(p.item(), -0.25);
  *sgd.groups()[0].momentum = 0.5;
  sgd.options().lr = 1;
  sgd.step();
  sgd.step();
  EXPECT_EQ(p.item(), -0.25 - 1 - 1.5);
}

TEST(Sgd, PassesOverParametersWithoutGradient) {
  const Parameter a = parameter({1}), b = parameter({1});
  SGD sgd({a, b}, {.lr = 1, .momentum = 0.5, .weight_decay = 1});
  feed(a, {1});
  sgd.step();
  EXPECT_EQ(b.item(), 1);
  feed(b, {1});
  a.zero_grad();
  const double before = a.item();
  sgd.step();
  EXPECT_EQ(a.item(), before);
  EXPECT_EQ(b.item(), -1);  // its first gradient: no dampening, no momentum
}

TEST(Sgd, ZeroGradMakesGradientsAbsent) {
  const Parameter p = parameter({1});
  SGD sgd({p}, {.lr = 1});
  feed(p, {1});
  sgd.zero_grad();
  EXPECT_FALSE(p.has_grad());
  sgd.step();
  EXPECT_EQ(p.item(), 1);
}

TEST(Sgd, LeavesGradientsAsTheyAre) {
  const Parameter p(normal_array({100}, 1));
  const Array grad = normal_array({100}, 2);
  feed(p, grad);
  const auto version = p.grad().stored().version();
  for (const bool nesterov : {false, true}) {
    SGD sgd({p}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = nesterov, .maximize = true});
    sgd.step();
    sgd.step();
    EXPECT_TRUE(same_bits(p.grad().stored(), grad));
    EXPECT_EQ(p.grad().stored().version(), version);
  }
}

TEST(Sgd, MakesAStaleBackwardAnError) {
  const Parameter p = parameter({3});
  SGD sgd({p}, {.lr = 1});
  const Tensor y = p * p;
  feed(p, {1});
  sgd.step();
  expect_error<GraphError>([&] { y.backward(); }, "modified in place");
}

TEST(Sgd, DecayOfZeroPassesOverValuesThatAreNotFinite) {
  const Parameter p = parameter({std::numeric_limits<double>::infinity()});
  SGD sgd({p}, {.lr = 1});
  feed(p, {1});
  sgd.step();
  EXPECT_EQ(p.item(), std::numeric_limits<double>::infinity());
}

TEST(Sgd, SameBitsForAnyNumberOfThreads) {
  const auto train = [](int threads) {
    set_num_threads(threads);
    const Parameter p(normal_array({300'001}, 1));
    SGD sgd({p}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1, .nesterov = true});
    for (unsigned step = 0; step < 3; ++step) {
      feed(p, normal_array({300'001}, 10 + step));
      sgd.step();
    }
    set_num_threads(0);
    return p.stored();
  };
  const Array one = train(1);
  for (const int threads : {2, 3, 8}) EXPECT_TRUE(same_bits(train(threads), one)) << threads;
}

TEST(Sgd, ElementsDoNotDependOnTheirPlace) {
  const Array values = normal_array({37}, 1), grads = normal_array({37}, 2);
  const Parameter all(values.clone());
  feed(all, grads);
  SGD({all}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1}).step();
  for (std::size_t i = 0; i < 37; ++i) {
    const Parameter alone(Array::from(std::array{values.data<float>()[i]}, {1}));
    feed(alone, {static_cast<double>(grads.data<float>()[i])});
    SGD({alone}, {.lr = 0.1, .momentum = 0.9, .weight_decay = 0.1}).step();
    EXPECT_EQ(alone.stored().data<float>()[0], all.stored().data<float>()[i]) << i;
  }
}

TEST(Sgd, RefusesBadOptions) {
  const std::vector<Parameter> p{parameter({1})};
  const double nan = std::numeric_limits<double>::quiet_NaN(), inf = std::numeric_limits<double>::infinity();
  expect_error([&] { SGD(p, {.lr = -1}); }, "SGD: lr is -1, expected at least 0");
  expect_error([&] { SGD(p, {.momentum = -0.5}); }, "SGD: momentum is -0.5, expected at least 0");
  expect_error([&] { SGD(p, {.weight_decay = -2}); }, "SGD: weight_decay is -2, expected at least 0");
  expect_error([&] { SGD(p, {.lr = nan}); }, "SGD: lr is nan, expected a finite number");
  expect_error([&] { SGD(p, {.dampening = inf}); }, "SGD: dampening is inf, expected a finite number");
  expect_error([&] { SGD(p, {.nesterov = true}); },
               "SGD: nesterov with momentum 0 and dampening 0, expected");
  expect_error([&] { SGD(p, {.momentum = 0.9, .dampening = 0.1, .nesterov = true}); }, "and dampening 0.1");
  expect_error([&] { SGD({{.parameters = p, .lr = -3}}, {.lr = 1}); }, "SGD: lr is -3");
}

TEST(Sgd, RefusesParametersThatAreMissingOrTwice) {
  const Parameter a = parameter({1}), b = parameter({1, 2});
  expect_error([] { SGD(std::vector<Parameter>{}, {.lr = 1}); }, "SGD: there are no parameters");
  expect_error(
      [] {
        SGD({{.parameters = {}}, {.parameters = {}}}, {.lr = 1});
      },
      "SGD: there are no parameters");
  expect_error(
      [&] {
        SGD({b, a, b}, {.lr = 1});
      },
      "SGD: a parameter of shape [2] of group 0 is already in group 0");
  expect_error(
      [&] {
        SGD({{.parameters = {a, b}}, {.parameters = {b}}}, {.lr = 1});
      },
      "SGD: a parameter of shape [2] of group 1 is already in group 0");
}

TEST(Sgd, StepRefusesBeforeAnythingMoves) {
  const Parameter a = parameter({1}), b = parameter({1});
  SGD sgd({{.parameters = {a}}, {.parameters = {b}}}, {.lr = 1});
  feed(a, {1});
  feed(b, {1});
  sgd.groups()[1].lr = -1;
  expect_error([&] { sgd.step(); }, "SGD: lr is -1");
  EXPECT_EQ(a.item(), 1);
  expect_error([&] { sgd.options(2); }, "SGD: there is no group 2, only 2");
}

TEST(Sgd, StepRefusesStateOfAnotherDtype) {
  const Parameter a = parameter({1}), b = parameter({1});
  SGD sgd({a, b}, {.lr = 1, .momentum = 0.5});
  feed(a, {1});
  feed(b, {1});
  sgd.step();
  b.zero_grad();
  b.mutable_value() = Array::from(std::array{1.f}, {1});
  feed(b, {1});
  expect_error([&] { sgd.step(); },
               "SGD: parameter 1 is float32 [1], but its momentum_buffer is float64 [1]");
  EXPECT_EQ(a.item(), 0);
}

}  // namespace
}  // namespace evenkeel
