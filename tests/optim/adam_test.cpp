#include <evenkeel/core/parallel.h>
#include <evenkeel/optim/adam.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/fed_parameter.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace evenkeel {
namespace {

using testing::doubles;
using testing::expect_error;
using testing::feed;
using testing::normal_array;
using testing::parameter;
using testing::same_bits;

TEST(Adam, FirstStepGoesByLrWhateverTheGradient) {
  const Parameter p = parameter({1, 1, 1});
  Adam adam({p}, {.lr = 0.25, .eps = 0});
  feed(p, {3, -1e-5, 1e5});
  adam.step();
  for (const auto& [at, expected] : {std::pair(0, 0.75), std::pair(1, 1.25), std::pair(2, 0.75)})
    EXPECT_NEAR(p.at({at}), expected, 1e-12);
}

TEST(Adam, DefaultsArePyTorchs) {
  const Parameter p = parameter({1});
  Adam adam({p});
  AdamW adamw({p});
  EXPECT_EQ(adam.options().lr, 1e-3);
  EXPECT_EQ(adam.options().betas, (std::array{0.9, 0.999}));
  EXPECT_EQ(adam.options().eps, 1e-8);
  EXPECT_EQ(adam.options().weight_decay, 0);
  EXPECT_EQ(adamw.options().weight_decay, 1e-2);
  EXPECT_FALSE(adamw.options().amsgrad || adamw.options().maximize);
}

TEST(Adam, DecayOfAdamWPassesByTheMoments) {
  const Parameter p = parameter({2}), q = parameter({2});
  AdamW decayed({p}, {.lr = 0.5, .weight_decay = 0.5});
  AdamW plain({q}, {.lr = 0.5, .weight_decay = 0});
  for (const auto& each : {p, q}) feed(each, {1});
  decayed.step();
  plain.step();
  EXPECT_DOUBLE_EQ(p.item(), q.item() - 2 * 0.5 * 0.5);
}

TEST(Adam, GroupsOverrideWhatTheyName) {
  const Parameter a = parameter({1}), b = parameter({1});
  AdamW adam(
      {{.parameters = {a}, .betas = {{0.5, 0.75}}}, {.parameters = {b}, .weight_decay = 0, .amsgrad = true}},
      {.lr = 0.1, .eps = 1e-6});
  EXPECT_EQ(adam.options(0).betas, (std::array{0.5, 0.75}));
  EXPECT_EQ(adam.options(0).weight_decay, 1e-2);
  EXPECT_EQ(adam.options(1).weight_decay, 0);
  EXPECT_TRUE(adam.options(1).amsgrad);
  EXPECT_EQ(adam.options(1).eps, 1e-6);
  EXPECT_EQ(*adam.groups()[0].momentum, 0.5);
}

TEST(Adam, CountsStepsOfEachParameter) {
  const Parameter a = parameter({1}), b = parameter({1});
  Adam adam({a, b}, {.lr = 0.25, .eps = 0});
  feed(a, {1});
  adam.step();
  EXPECT_EQ(b.item(), 1);
  feed(b, {1});
  adam.step();
  EXPECT_NEAR(b.item(), 0.75, 1e-12);  // its first step, though the optimizer's second
}

TEST(Adam, LeavesGradientsAsTheyAre) {
  const Parameter p(normal_array({100}, 1));
  const Array grad = normal_array({100}, 2);
  feed(p, grad);
  Adam({p}, {.weight_decay = 0.1, .amsgrad = true, .maximize = true}).step();
  AdamW({p}, {.weight_decay = 0.1}).step();
  EXPECT_TRUE(same_bits(p.grad().stored(), grad));
}

TEST(Adam, FloatFollowsDouble) {
  const Array start = normal_array({1000}, 1);
  const Parameter narrow(start.clone()), wide(Array::from(doubles(start), {1000}));
  AdamW one({narrow}, {.lr = 0.01, .amsgrad = true}), two({wide}, {.lr = 0.01, .amsgrad = true});
  for (unsigned step = 0; step < 20; ++step) {
    const Array grad = normal_array({1000}, 10 + step);
    feed(narrow, grad);
    feed(wide, doubles(grad));
    one.step();
    two.step();
  }
  for (std::int64_t i = 0; i < 1000; ++i) EXPECT_NEAR(narrow.at({i}), wide.at({i}), 2e-6) << i;
}

TEST(Adam, SameBitsForAnyNumberOfThreads) {
  const auto train = [](int threads) {
    set_num_threads(threads);
    const Parameter p(normal_array({300'001}, 1));
    Adam adam({p}, {.weight_decay = 0.1, .amsgrad = true});
    for (unsigned step = 0; step < 3; ++step) {
      feed(p, normal_array({300'001}, 10 + step));
      adam.step();
    }
    set_num_threads(0);
    return p.stored();
  };
  const Array one = train(1);
  for (const int threads : {2, 3, 8}) EXPECT_TRUE(same_bits(train(threads), one)) << threads;
}

TEST(Adam, ElementsDoNotDependOnTheirPlace) {
  const Array values = normal_array({37}, 1), grads = normal_array({37}, 2);
  const Parameter all(values.clone());
  feed(all, grads);
  Adam({all}, {.weight_decay = 0.1}).step();
  for (std::size_t i = 0; i < 37; ++i) {
    const Parameter alone(Array::from(std::array{values.data<float>()[i]}, {1}));
    feed(alone, {static_cast<double>(grads.data<float>()[i])});
    Adam({alone}, {.weight_decay = 0.1}).step();
    EXPECT_EQ(alone.stored().data<float>()[0], all.stored().data<float>()[i]) << i;
  }
}

TEST(Adam, NanOfAGradientStaysInAmsgrad) {
  const Parameter p = parameter({1});
  Adam adam({p}, {.amsgrad = true});
  feed(p, {std::numeric_limits<double>::quiet_NaN()});
  adam.step();
  feed(p, {1});
  adam.step();
  EXPECT_TRUE(std::isnan(p.item()));
}

TEST(Adam, RefusesBadOptions) {
  const std::vector<Parameter> p{parameter({1})};
  const double nan = std::numeric_limits<double>::quiet_NaN();
  expect_error([&] { Adam(p, {.lr = -1}); }, "Adam: lr is -1, expected at least 0");
  expect_error([&] { AdamW(p, {.eps = -1}); }, "AdamW: eps is -1, expected at least 0");
  expect_error([&] { AdamW(p, {.weight_decay = -1}); }, "AdamW: weight_decay is -1, expected at least 0");
  expect_error([&] { Adam(p, {.betas = {1, 0.9}}); }, "Adam: betas[0] is 1, expected at least 0 and below 1");
  expect_error([&] { Adam(p, {.betas = {0.9, -0.1}}); }, "Adam: betas[1] is -0.1, expected");
  expect_error([&] { Adam(p, {.betas = {0.9, nan}}); }, "Adam: betas is nan, expected a finite number");
  expect_error([] { AdamW(std::vector<Parameter>{}); }, "AdamW: there are no parameters");
  expect_error(
      [&] {
        AdamW({p[0], p[0]}, {.lr = 1});
      },
      "AdamW: a parameter of shape [1] of group 0 is already");
}

}  // namespace
}  // namespace evenkeel
