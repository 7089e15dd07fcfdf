#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/optim/adam.h>
#include <evenkeel/optim/sgd.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/golden.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>

namespace evenkeel::testing {
namespace {

const Golden& golden() {
  static const Golden file("optim.safetensors");
  return file;
}

/// Gives a parameter this gradient.
void feed(const Parameter& parameter, const Array& grad) {
  parameter.zero_grad();
  (parameter * 1.0).backward(Tensor(grad));
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

}  // namespace
}  // namespace evenkeel::testing
