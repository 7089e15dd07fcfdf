#include <evenkeel/optim/adam.h>
#include <evenkeel/optim/clip.h>
#include <evenkeel/optim/one_cycle_lr.h>
#include <evenkeel/optim/sequential_lr.h>
#include <evenkeel/optim/sgd.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/fed_parameter.h>
#include <evenkeel/tests/support/golden.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <memory>

namespace evenkeel::testing {
namespace {

const Golden& golden() {
  static const Golden file("optim.safetensors");
  return file;
}

Array row(const Array& rows, std::size_t i, const Shape& shape) {
  const auto size = static_cast<std::size_t>(shape.count());
  return Array::from(rows.data<double>().subspan(i * size, size), shape);
}

/// 100 steps of two parameters, of which b has no gradient at some.
void expect_trajectory(const GoldenCase& of,
                       const std::function<std::unique_ptr<Optimizer>(const std::vector<Parameter>&,
                                                                      const nlohmann::json&)>& make) {
  const Parameter a(golden()(of, "start_a")), b(golden()(of, "start_b"));
  const auto optimizer = make({a, b}, of.args);
  const auto absent = of.args.value("absent", std::vector<std::size_t>());
  for (std::size_t step = 0; step < 100; ++step) {
    for (const auto& [p, name] : {std::pair(a, "a"), std::pair(b, "b")})
      feed(p, row(golden()(of, std::string("grads_") + name), step, p.shape()));
    if (std::ranges::count(absent, step) > 0) b.zero_grad();
    optimizer->step();
    for (const auto& [p, name] : {std::pair(a, "a"), std::pair(b, "b")})
      expect_close(p, row(golden()(of, std::string("values_") + name), step, p.shape()), {1e-10, 0},
                   of.name + '/' + name + " after step " + std::to_string(step));
  }
}

TEST(GoldenOptim, Sgd) {
  const auto cases = golden().cases("SGD");
  EXPECT_EQ(cases.size(), 12u);
  for (const auto& each : cases)
    expect_trajectory(each, [](const auto& parameters, const nlohmann::json& args) {
      return std::make_unique<SGD>(parameters, SGD::Options{.lr = args.at("lr"),
                                                            .momentum = args.value("momentum", 0.0),
                                                            .dampening = args.value("dampening", 0.0),
                                                            .weight_decay = args.value("weight_decay", 0.0),
                                                            .nesterov = args.value("nesterov", false),
                                                            .maximize = args.value("maximize", false)});
    });
}

template <class Kind>
void expect_adam(const std::string& name) {
  const auto cases = golden().cases(name);
  EXPECT_EQ(cases.size(), 12u);
  for (const auto& each : cases)
    expect_trajectory(each, [](const auto& parameters, const nlohmann::json& args) {
      typename Kind::Options o;
      o = {.lr = args.value("lr", o.lr),
           .betas = args.value("betas", o.betas),
           .eps = args.value("eps", o.eps),
           .weight_decay = args.value("weight_decay", o.weight_decay),
           .amsgrad = args.value("amsgrad", false),
           .maximize = args.value("maximize", false)};
      return std::make_unique<Kind>(parameters, o);
    });
}
TEST(GoldenOptim, Adam) { expect_adam<Adam>("Adam"); }
TEST(GoldenOptim, AdamW) { expect_adam<AdamW>("AdamW"); }

PerGroup per_group(const nlohmann::json& args, const std::string& name, PerGroup otherwise) {
  return args.contains(name) ? PerGroup(args.at(name).get<double>()) : otherwise;
}

std::unique_ptr<LRScheduler> one_cycle(Optimizer& optimizer, const nlohmann::json& args) {
  const OneCycleLR::Options o{.max_lr = args.at("max_lr").get<double>()};
  return std::make_unique<OneCycleLR>(
      optimizer,
      OneCycleLR::Options{
          .max_lr = o.max_lr,
          .total_steps = args.value("total_steps", std::int64_t{0}),
          .epochs = args.value("epochs", std::int64_t{0}),
          .steps_per_epoch = args.value("steps_per_epoch", std::int64_t{0}),
          .pct_start = args.value("pct_start", o.pct_start),
          .anneal_strategy = args.value("anneal_strategy", "cos") == "cos" ? Anneal::cos : Anneal::linear,
          .cycle_momentum = args.value("cycle_momentum", true),
          .base_momentum = per_group(args, "base_momentum", o.base_momentum),
          .max_momentum = per_group(args, "max_momentum", o.max_momentum),
          .div_factor = args.value("div_factor", o.div_factor),
          .final_div_factor = args.value("final_div_factor", o.final_div_factor),
          .three_phase = args.value("three_phase", false)});
}

std::unique_ptr<LRScheduler> schedule(const std::string& op, Optimizer& optimizer,
                                      const nlohmann::json& args) {
  const auto number = [&](const char* name, double otherwise) { return args.value(name, otherwise); };
  const auto count = [&](const char* name) { return args.at(name).get<std::int64_t>(); };
  if (op == "StepLR")
    return std::make_unique<StepLR>(
        optimizer, StepLR::Options{.step_size = count("step_size"), .gamma = number("gamma", 0.1)});
  if (op == "MultiStepLR")
    return std::make_unique<MultiStepLR>(
        optimizer, MultiStepLR::Options{.milestones = args.at("milestones").get<std::vector<std::int64_t>>(),
                                        .gamma = number("gamma", 0.1)});
  if (op == "ExponentialLR")
    return std::make_unique<ExponentialLR>(optimizer,
                                           ExponentialLR::Options{.gamma = args.at("gamma").get<double>()});
  if (op == "CosineAnnealingLR")
    return std::make_unique<CosineAnnealingLR>(
        optimizer, CosineAnnealingLR::Options{.T_max = count("T_max"), .eta_min = number("eta_min", 0)});
  if (op == "LinearLR")
    return std::make_unique<LinearLR>(
        optimizer, LinearLR::Options{.start_factor = number("start_factor", 1.0 / 3),
                                     .end_factor = number("end_factor", 1),
                                     .total_iters = args.value("total_iters", std::int64_t{5})});
  return one_cycle(optimizer, args);
}

void expect_schedule(const GoldenCase& of, LRScheduler& subject, SGD& sgd) {
  const Array lr = golden()(of, "lr"), momentum = golden()(of, "momentum");
  for (std::size_t step = 0; step < lr.data<double>().size(); ++step) {
    if (step > 0) subject.step();
    const double expected = lr.data<double>()[step];
    ASSERT_NEAR(sgd.options().lr, expected, 1e-10 * std::abs(expected) + 1e-16) << of.name << ", " << step;
    ASSERT_NEAR(sgd.options().momentum, momentum.data<double>()[step], 1e-12) << of.name << ", " << step;
    ASSERT_EQ(subject.last_lr(), std::vector{sgd.options().lr});
    ASSERT_EQ(subject.lr_at(0, static_cast<std::int64_t>(step)), sgd.options().lr);
  }
}

TEST(GoldenOptim, Schedules) {
  std::size_t count = 0;
  for (const std::string op :
       {"StepLR", "MultiStepLR", "ExponentialLR", "CosineAnnealingLR", "LinearLR", "OneCycleLR"})
    for (const auto& each : golden().cases(op)) {
      SGD sgd({Parameter(Array({1}, DType::float32))},
              {.lr = each.args.at("base_lr"), .momentum = each.args.at("momentum")});
      const auto subject = schedule(op, sgd, each.args);
      expect_schedule(each, *subject, sgd);
      ++count;
    }
  EXPECT_EQ(count, 22u);
}

TEST(GoldenOptim, SequentialSchedules) {
  const auto cases = golden().cases("SequentialLR");
  EXPECT_EQ(cases.size(), 3u);
  for (const auto& each : cases) {
    SGD sgd({Parameter(Array({1}, DType::float32))},
            {.lr = each.args.at("base_lr"), .momentum = each.args.at("momentum")});
    std::vector<std::unique_ptr<LRScheduler>> parts;
    SequentialLR::Options options{.schedulers = {}, .milestones = each.args.at("milestones")};
    for (const auto& part : each.args.at("schedulers"))
      options.schedulers.push_back(parts.emplace_back(schedule(part.at("op"), sgd, part.at("args"))).get());
    SequentialLR subject(sgd, options);
    expect_schedule(each, subject, sgd);
  }
}

TEST(GoldenOptim, Clipping) {
  std::size_t count = 0;
  for (const std::string op : {"clip_grad_norm_", "clip_grad_value_"})
    for (const auto& each : golden().cases(op)) {
      std::vector<Parameter> parameters;
      for (const std::string name : {"a", "b"}) {
        const Array grad = golden()(each, "gradient_" + name);
        parameters.emplace_back(Array(grad.shape(), grad.dtype()));
        feed(parameters.back(), grad);
      }
      const Tolerance close = golden_tolerance(each.dtype);
      if (op == "clip_grad_norm_") {
        const auto& type = each.args.at("norm_type");
        const double norm =
            clip_grad_norm(parameters, {.max_norm = each.args.at("max_norm").get<double>(),
                                        .norm_type = type == "inf" ? INFINITY : type.get<double>()});
        const double expected = Tensor(golden()(each, "norm")).item();
        EXPECT_NEAR(norm, expected, close.rtol * expected) << each.name;
      } else {
        clip_grad_value(parameters, each.args.at("clip_value"));
      }
      for (std::size_t i = 0; i < 2; ++i)
        expect_close(parameters[i].grad(), golden()(each, std::string("clipped_") + (i == 0 ? "a" : "b")),
                     {close.rtol, 0}, each.name);
      ++count;
    }
  EXPECT_EQ(count, 15u);
}

}  // namespace
}  // namespace evenkeel::testing
