#include <evenkeel/optim/adam.h>
#include <evenkeel/optim/one_cycle_lr.h>
#include <evenkeel/optim/sequential_lr.h>
#include <evenkeel/optim/sgd.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/fed_parameter.h>

#include <gtest/gtest.h>

#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::parameter;

const double nan = std::numeric_limits<double>::quiet_NaN();

/// An optimizer of two groups, whose lr are 1 and 0.5.
struct TwoGroups {
  Parameter a = parameter({1}), b = parameter({1});
  SGD sgd{{{.parameters = {a}}, {.parameters = {b}, .lr = 0.5}}, {.lr = 1, .momentum = 0.5}};
  double lr(std::size_t group) { return sgd.groups()[group].lr; }
};

TEST(LrScheduler, MovesEveryGroupFromItsOwnLr) {
  TwoGroups two;
  StepLR schedule(two.sgd, {.step_size = 2, .gamma = 0.5});
  EXPECT_EQ(schedule.last_lr(), (std::vector{1.0, 0.5}));
  schedule.step();
  EXPECT_EQ(two.lr(0), 1);
  schedule.step();
  EXPECT_EQ(two.lr(0), 0.5);
  EXPECT_EQ(two.lr(1), 0.25);
  EXPECT_EQ(schedule.last_lr(), (std::vector{0.5, 0.25}));
  EXPECT_EQ(schedule.last_epoch(), 2);
  EXPECT_EQ(schedule.lr_at(1, 5), 0.125);
  EXPECT_FALSE(schedule.momentum_at(0, 5));
}

TEST(LrScheduler, LaterSchedulesStartFromTheSameLr) {
  TwoGroups two;
  LinearLR warm_up(two.sgd, {.start_factor = 0.25, .total_iters = 4});
  EXPECT_EQ(two.lr(0), 0.25);
  ExponentialLR decay(two.sgd, {.gamma = 0.5});
  EXPECT_EQ(two.lr(0), 1);
  SequentialLR both(two.sgd, {.schedulers = {&warm_up, &decay}, .milestones = {2}});
  EXPECT_EQ(two.lr(1), 0.125);
  both.step();
  both.step();
  EXPECT_EQ(two.lr(1), 0.5);
  both.step();
  EXPECT_EQ(two.lr(1), 0.25);
}

TEST(LrScheduler, StartsOverFromAnInitialLrThatIsWritten) {
  TwoGroups two;
  { ExponentialLR old(two.sgd, {.gamma = 0.5}); }
  two.sgd.groups()[0].initial_lr = 3;
  ExponentialLR fresh(two.sgd, {.gamma = 0.5});
  EXPECT_EQ(two.lr(0), 3);
}

TEST(LrScheduler, NestsSequences) {
  TwoGroups two;
  LinearLR warm_up(two.sgd, {.start_factor = 0.5, .total_iters = 2});
  ExponentialLR decay(two.sgd, {.gamma = 0.5});
  StepLR steps(two.sgd, {.step_size = 1, .gamma = 0.25});
  SequentialLR inner(two.sgd, {.schedulers = {&warm_up, &decay}, .milestones = {2}});
  SequentialLR outer(two.sgd, {.schedulers = {&inner, &steps}, .milestones = {4}});
  std::vector<double> lr;
  for (int i = 0; i < 6; ++i, outer.step()) lr.push_back(two.lr(0));
  EXPECT_EQ(lr, (std::vector{0.5, 0.75, 1.0, 0.5, 1.0, 0.25}));
}

TEST(LrScheduler, OneCycleMovesMomentumAndItsOwnLrOfEachGroup) {
  TwoGroups two;
  OneCycleLR schedule(two.sgd, {.max_lr = {1, 2},
                                .total_steps = 11,
                                .pct_start = 0.5,
                                .anneal_strategy = Anneal::linear,
                                .base_momentum = 0.5,
                                .max_momentum = 1,
                                .div_factor = 10});
  EXPECT_DOUBLE_EQ(two.lr(0), 0.1);
  EXPECT_DOUBLE_EQ(two.lr(1), 0.2);
  EXPECT_EQ(*two.sgd.groups()[1].momentum, 1);
  for (int i = 0; i < 10; ++i) schedule.step();
  EXPECT_NEAR(two.lr(1), 2e-5, 1e-12);
  EXPECT_EQ(two.sgd.options(1).momentum, 1);
  schedule.step();
  expect_error([&] { schedule.step(); }, "OneCycleLR: step 12 is beyond total_steps (11)");
  EXPECT_EQ(schedule.last_epoch(), 11);
}

TEST(LrScheduler, OneCycleMovesTheFirstBetaOfAdam) {
  Adam adam({parameter({1})}, {.betas = {0.5, 0.75}});
  OneCycleLR schedule(adam, {.max_lr = 1, .total_steps = 10, .max_momentum = 0.875});
  EXPECT_EQ(adam.options().betas, (std::array{0.875, 0.75}));
  OneCycleLR still(adam, {.max_lr = 1, .total_steps = 10, .cycle_momentum = false, .max_momentum = 0.25});
  EXPECT_EQ(adam.options().betas[0], 0.875);
}

TEST(LrScheduler, OneCycleWithoutRoomToRiseStartsAtTheTop) {
  TwoGroups two;
  OneCycleLR schedule(two.sgd, {.max_lr = 1, .total_steps = 10, .pct_start = 0.1});
  EXPECT_EQ(two.lr(0), 1);
}

TEST(LrScheduler, LoadsAllOrNothing) {
  TwoGroups two, other;
  ExponentialLR schedule(two.sgd, {.gamma = 0.5}), target(other.sgd, {.gamma = 0.5});
  for (int i = 0; i < 3; ++i) schedule.step();
  target.load_state(schedule.state());
  EXPECT_EQ(target.last_epoch(), 3);
  EXPECT_EQ(other.lr(0), 0.125);
  EXPECT_EQ(target.last_lr(), schedule.last_lr());
  expect_error([&] { target.load_state({}); },
               "ExponentialLR::load_state: nothing was loaded; missing: last_epoch");
  expect_error(
      [&] {
        target.load_state({{"last_epoch", Array::from(std::array{-1}, {})}});
      },
      "ExponentialLR::load_state: last_epoch is -1, expected at least 0");
  expect_error([&] { target.load_state(two.sgd.state()); }, "unexpected: param_groups.0.dampening");
  EXPECT_EQ(target.last_epoch(), 3);
}

TEST(LrScheduler, RefusesBadOptions) {
  TwoGroups two;
  SGD& sgd = two.sgd;
  expect_error([&] { StepLR(sgd, {.step_size = 0}); }, "StepLR: step_size is 0, expected at least 1");
  expect_error([&] { StepLR(sgd, {.step_size = 1, .gamma = nan}); },
               "StepLR: gamma is nan, expected a finite");
  expect_error([&] { MultiStepLR(sgd, {.milestones = {3, -1}}); }, "MultiStepLR: a milestone is -1");
  expect_error([&] { MultiStepLR(sgd, {.milestones = {1}, .gamma = -1}); }, "MultiStepLR: gamma is -1");
  expect_error([&] { ExponentialLR(sgd, {.gamma = -0.5}); }, "ExponentialLR: gamma is -0.5");
  expect_error([&] { CosineAnnealingLR(sgd, {.T_max = 0}); },
               "CosineAnnealingLR: T_max is 0, expected at least 1");
  expect_error([&] { CosineAnnealingLR(sgd, {.T_max = 1, .eta_min = -1}); },
               "CosineAnnealingLR: eta_min is -1");
  expect_error([&] { LinearLR(sgd, {.start_factor = 0}); },
               "LinearLR: start_factor is 0, expected above 0 and");
  expect_error([&] { LinearLR(sgd, {.end_factor = 1.5}); },
               "LinearLR: end_factor is 1.5, expected in [0, 1]");
  expect_error([&] { LinearLR(sgd, {.total_iters = 0}); }, "LinearLR: total_iters is 0, expected at least 1");
  EXPECT_FALSE(sgd.groups()[0].initial_lr);
  EXPECT_EQ(two.lr(0), 1);
}

TEST(LrScheduler, OneCycleRefusesBadOptions) {
  TwoGroups two;
  SGD& sgd = two.sgd;
  expect_error([&] { OneCycleLR(sgd, {.max_lr = 1}); },
               "OneCycleLR: expected total_steps, or epochs (0) and");
  expect_error([&] { OneCycleLR(sgd, {.max_lr = 1, .total_steps = -1}); }, "OneCycleLR: total_steps is -1");
  expect_error([&] { OneCycleLR(sgd, {.max_lr = 1, .epochs = 1L << 40, .steps_per_epoch = 1L << 40}); },
               "OneCycleLR: expected total_steps");
  expect_error([&] { OneCycleLR(sgd, {.max_lr = 1, .total_steps = 9, .pct_start = 1.5}); },
               "OneCycleLR: pct_start is 1.5, expected in [0, 1]");
  expect_error([&] { OneCycleLR(sgd, {.max_lr = 1, .total_steps = 9, .div_factor = 0}); },
               "OneCycleLR: div_factor (0) and final_div_factor (10000) must be positive");
  expect_error(
      [&] {
        OneCycleLR(sgd, {.max_lr = {1, 2, 3}, .total_steps = 9});
      },
      "OneCycleLR: max_lr has 3 numbers for 2 groups");
  expect_error([&] { OneCycleLR(sgd, {.max_lr = nan, .total_steps = 9}); }, "OneCycleLR: max_lr is nan");
  expect_error([&] { OneCycleLR(sgd, {.max_lr = 1, .total_steps = 9, .base_momentum = -1}); },
               "OneCycleLR: base_momentum is -1");
  OneCycleLR good(sgd, {.max_lr = 1, .total_steps = 9});
  expect_error([&] { good.lr_at(2, 0); }, "OneCycleLR: there is no group 2, only 2");
}

TEST(LrScheduler, SequenceRefusesBadOptions) {
  TwoGroups two, other;
  ExponentialLR a(two.sgd, {.gamma = 0.5}), b(two.sgd, {.gamma = 0.25}), foreign(other.sgd, {.gamma = 0.5});
  SGD& sgd = two.sgd;
  expect_error([&] { SequentialLR(sgd, {.schedulers = {}}); }, "SequentialLR: there are no schedulers");
  expect_error(
      [&] {
        SequentialLR(sgd, {.schedulers = {&a, &b}});
      },
      "SequentialLR: 0 milestones for 2 schedulers");
  expect_error(
      [&] {
        SequentialLR(sgd, {.schedulers = {&a, &foreign}, .milestones = {1}});
      },
      "SequentialLR: scheduler 1 belongs to another optimizer");
  expect_error([&] { SequentialLR(sgd, {.schedulers = {nullptr}}); }, "SequentialLR: scheduler 0 is null");
  expect_error(
      [&] {
        SequentialLR(sgd, {.schedulers = {&a, &b, &a}, .milestones = {4, 2}});
      },
      "SequentialLR: expected milestones of at least 0 in rising order");
}

}  // namespace
}  // namespace evenkeel
