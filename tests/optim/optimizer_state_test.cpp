#include <evenkeel/optim/adam.h>
#include <evenkeel/optim/sequential_lr.h>
#include <evenkeel/optim/sgd.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/fed_parameter.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::feed;
using testing::normal_array;
using testing::parameter;
using testing::same_bits;

std::vector<std::string> names(const State& state) {
  std::vector<std::string> found;
  for (const auto& [name, array] : state) found.push_back(name);
  std::ranges::sort(found);
  return found;
}
Array& at(State& state, const std::string& name) {
  return std::ranges::find(state, name, &State::value_type::first)->second;
}
void expect_same_state(const State& a, const State& b) {
  ASSERT_EQ(names(a), names(b));
  for (std::size_t i = 0; i < a.size(); ++i) EXPECT_TRUE(same_bits(a[i].second, b[i].second)) << a[i].first;
}

using Make = std::function<std::unique_ptr<Optimizer>(const std::vector<Parameter>&)>;

/// A training that can stop after any step: three parameters, the second without gradient at some steps.
struct Training {
  explicit Training(const Make& make)
      : optimizer(make(parameters)),
        warm_up(*optimizer, {.start_factor = 0.5, .total_iters = 3}),
        cosine(*optimizer, {.T_max = 9}),
        schedule(*optimizer, {.schedulers = {&warm_up, &cosine}, .milestones = {3}}) {}

  void run(unsigned from, unsigned to) {
    for (unsigned step = from; step < to; ++step) {
      for (unsigned i = 0; i < 3; ++i)
        feed(parameters[i], normal_array(parameters[i].shape(), 100 * i + step));
      if (step % 3 == 0) parameters[1].zero_grad();
      optimizer->step();
      schedule.step();
    }
  }

  std::vector<Parameter> parameters{Parameter(normal_array({5, 3}, 1)), Parameter(normal_array({4}, 2)),
                                    Parameter(normal_array({}, 3))};
  std::unique_ptr<Optimizer> optimizer;
  LinearLR warm_up;
  CosineAnnealingLR cosine;
  SequentialLR schedule;
};

std::vector<Make> optimizers() {
  return {[](const auto& p) {
            return std::make_unique<SGD>(p, SGD::Options{.lr = 0.1, .momentum = 0.9, .nesterov = true});
          },
          [](const auto& p) {
            return std::make_unique<SGD>(std::vector<SGD::Group>{{.parameters = {p[0]}, .weight_decay = 0.1},
                                                                 {.parameters = {p[1], p[2]}, .lr = 0.3}},
                                         SGD::Options{.lr = 0.1, .momentum = 0.5, .dampening = 0.5});
          },
          [](const auto& p) { return std::make_unique<Adam>(p, Adam::Options{.weight_decay = 0.1}); },
          [](const auto& p) { return std::make_unique<AdamW>(p, AdamW::Options{.amsgrad = true}); }};
}

TEST(OptimizerState, ResumesToTheBit) {
  for (const auto& make : optimizers())
    for (const unsigned stop : {0u, 1u, 3u, 7u}) {
      Training straight(make), first(make), second(make);
      straight.run(0, 12);
      first.run(0, stop);
      for (std::size_t i = 0; i < 3; ++i)
        second.parameters[i].mutable_value().assign(first.parameters[i].stored());
      second.optimizer->load_state(first.optimizer->state());
      second.schedule.load_state(first.schedule.state());
      expect_same_state(second.optimizer->state(), first.optimizer->state());
      second.run(stop, 12);
      for (std::size_t i = 0; i < 3; ++i)
        EXPECT_TRUE(same_bits(second.parameters[i].stored(), straight.parameters[i].stored())) << stop;
      expect_same_state(second.optimizer->state(), straight.optimizer->state());
      EXPECT_EQ(second.schedule.last_lr(), straight.schedule.last_lr());
    }
}

TEST(OptimizerState, NamesArePyTorchs) {
  const Parameter a = parameter({1, 2}), b = parameter({1});
  SGD sgd({{.parameters = {a}}, {.parameters = {b}}}, {.lr = 0.1, .momentum = 0.9});
  feed(a, {1, 2});
  sgd.step();
  State state = sgd.state();
  EXPECT_EQ(names(state),
            (std::vector<std::string>{
                "param_groups.0.dampening", "param_groups.0.lr", "param_groups.0.maximize",
                "param_groups.0.momentum", "param_groups.0.nesterov", "param_groups.0.params",
                "param_groups.0.weight_decay", "param_groups.1.dampening", "param_groups.1.lr",
                "param_groups.1.maximize", "param_groups.1.momentum", "param_groups.1.nesterov",
                "param_groups.1.params", "param_groups.1.weight_decay", "state.0.momentum_buffer"}));
  EXPECT_EQ(Tensor(at(state, "state.0.momentum_buffer")).to_vector(), (std::vector<double>{1, 2}));
  EXPECT_EQ(Tensor(at(state, "param_groups.1.params")).item(), 1);
  EXPECT_EQ(Tensor(at(state, "param_groups.0.momentum")).item(), 0.9);

  Adam adam({a}, {.amsgrad = true});
  adam.step();
  const auto all = names(adam.state());
  EXPECT_EQ(std::vector(all.end() - 4, all.end()),
            (std::vector<std::string>{"state.0.exp_avg", "state.0.exp_avg_sq", "state.0.max_exp_avg_sq",
                                      "state.0.step"}));
}

TEST(OptimizerState, IsACopy) {
  const Parameter p = parameter({1});
  SGD sgd({p}, {.lr = 0.1, .momentum = 0.5});
  feed(p, {1});
  sgd.step();
  State state = sgd.state();
  sgd.step();
  EXPECT_EQ(Tensor(at(state, "state.0.momentum_buffer")).item(), 1);
  sgd.load_state(state);
  sgd.step();
  EXPECT_EQ(Tensor(at(state, "state.0.momentum_buffer")).item(), 1);
}

TEST(OptimizerState, LoadsOptionsAndForgetsWhatTheStateDoesNotHave) {
  const Parameter p = parameter({1});
  SGD saved({p}, {.lr = 0.25, .momentum = 0.75, .nesterov = true}), sgd({p}, {.lr = 1, .momentum = 0.5});
  feed(p, {1});
  sgd.step();
  sgd.load_state(saved.state());
  EXPECT_EQ(sgd.groups()[0].lr, 0.25);
  EXPECT_EQ(sgd.options().momentum, 0.75);
  EXPECT_TRUE(sgd.options().nesterov);
  expect_same_state(sgd.state(), saved.state());
}

/// Loading `broken` must fail with `message` and change nothing.
void expect_refused(Optimizer& optimizer, const State& broken, const std::string& message) {
  const State before = optimizer.state();
  expect_error([&] { optimizer.load_state(broken); }, message);
  expect_same_state(optimizer.state(), before);
}

TEST(OptimizerState, LoadsAllOrNothing) {
  const Parameter a = parameter({1, 2}), b = parameter({1});
  Adam adam({{.parameters = {a}}, {.parameters = {b}}}, {.lr = 0.1});
  feed(a, {1, 2});
  feed(b, {1});
  adam.step();
  const State good = adam.state();
  adam.groups()[0].lr = 0.2;
  adam.step();
  const auto broken = [&](const auto& change) {
    State state = good;
    change(state);
    return state;
  };
  const auto without = [&](const std::string& name) {
    return broken(
        [&](State& s) { std::erase_if(s, [&](const auto& entry) { return entry.first == name; }); });
  };
  const auto with = [&](const std::string& name, const Array& value) {
    return broken([&](State& s) { at(s, name) = value; });
  };
  const std::string start = "Adam::load_state: nothing was loaded; ";
  expect_refused(adam, without("param_groups.1.lr"), start + "missing: param_groups.1.lr; unexpected: none");
  expect_refused(adam, without("state.1.exp_avg"), start + "missing: state.1.exp_avg; unexpected: none");
  expect_refused(adam, broken([](State& s) { s.emplace_back("state.2.step", Array({}, DType::int64)); }),
                 start + "missing: none; unexpected: state.2.step");
  expect_refused(adam, broken([](State& s) { s.push_back(s[0]); }),
                 start + "\"param_groups.0.lr\" occurs twice");
  expect_refused(adam, with("state.0.exp_avg", Array({3}, DType::float64)),
                 "; state.0.exp_avg: expected float64 [2], got float64 [3]");
  expect_refused(adam, with("state.0.exp_avg", Array()),
                 "; state.0.exp_avg: expected float64 [2], got nothing");
  expect_refused(adam, with("state.0.step", Array({}, DType::float64)),
                 "; state.0.step: expected int64 [], got float64 []");
  expect_refused(adam, with("param_groups.0.lr", Array::from(std::array{-1.0}, {})), "Adam: lr is -1");
  expect_refused(adam, with("param_groups.0.betas", Array({3}, DType::float64)),
                 "betas: expected float64 [2]");
  expect_refused(adam, with("param_groups.0.params", Array::from(std::array{1}, {1})),
                 start + "param_groups.0.params lists 1, expected 0");
  expect_refused(adam, with("state.0.step", Array::from(std::array{-1}, {})),
                 start + "state.0.step is -1, expected at least 0");
  SGD sgd({a, b}, {.lr = 1});
  expect_refused(sgd, good, "SGD::load_state: nothing was loaded; missing: param_groups.0.momentum");
}

TEST(OptimizerState, AmsgradOfTheStateDecidesWhatIsExpected) {
  const Parameter p = parameter({1});
  feed(p, {1});
  Adam plain({p}, {}), amsgrad({p}, {.amsgrad = true});
  plain.step();
  amsgrad.step();
  const State with_largest = amsgrad.state();
  plain.load_state(with_largest);
  EXPECT_TRUE(plain.options().amsgrad);
  expect_same_state(plain.state(), with_largest);
  State cut = with_largest;
  std::erase_if(cut, [](const auto& entry) { return entry.first == "state.0.max_exp_avg_sq"; });
  Adam other({p}, {});
  expect_refused(other, cut, "missing: state.0.max_exp_avg_sq");
  EXPECT_FALSE(other.options().amsgrad);
}

}  // namespace
}  // namespace evenkeel
