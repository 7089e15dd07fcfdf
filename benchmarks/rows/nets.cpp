#include <evenkeel/benchmarks/models.h>
#include <evenkeel/benchmarks/rows/rows.h>

#include <memory>

namespace evenkeel::benchmarks {
namespace {

/// A net with all that a step of its training needs.
struct Training {
  AnyLayer net;
  Tensor x, target;
  std::function<Tensor(const Tensor& scores, const Tensor& target)> loss_of;
  SGD sgd{net->parameters(), {.lr = 0.01, .momentum = 0.9, .weight_decay = 5e-4}};

  std::pair<Tensor, Tensor> step() {
    sgd.zero_grad();
    const Tensor scores = net(x);
    const Tensor loss = loss_of(scores, target);
    loss.backward();
    sgd.step();
    return {scores, loss};
  }
};

Tensor class_loss(const Tensor& scores, const Tensor& target) { return cross_entropy(scores, target); }
Tensor binary_loss(const Tensor& scores, const Tensor& target) {
  return binary_cross_entropy_with_logits(scores, target);
}

std::unique_ptr<Training> training_of(const Spec& spec) {
  const std::string name = spec.text("net");
  const auto batch = spec.number("batch");
  if (name == "mlp") {
    AnyLayer net = mlp();
    const Tensor x = randn({batch, 2});
    return std::make_unique<Training>(std::move(net), x,
                                      to(rand({batch, 1}) * 2, DType::int64).to(DType::float32), binary_loss);
  }
  check(name == "lenet" || name == "resnet20", "net_row: unknown net ", name);
  AnyLayer net =
      name == "lenet" ? AnyLayer(lenet()) : AnyLayer(ResNet20(norm_maker(spec.text("norm", "batch"))));
  const Tensor x = randn(name == "lenet" ? Shape{batch, 1, 28, 28} : Shape{batch, 3, 32, 32});
  return std::make_unique<Training>(std::move(net), x, to(rand({batch}) * 10, DType::int64), class_loss);
}

Row training_row(const std::shared_ptr<Training>& training) {
  const auto results = [training] {
    const auto [scores, loss] = training->step();
    State all{{"scores", scores.value()}, {"loss", loss.value()}};
    for (const auto& [name, parameter] : training->net->named_parameters())
      all.emplace_back("grad." + name, parameter.grad().value());
    for (const auto& [name, value] : training->net->state()) all.emplace_back("layer." + name, value);
    return all;
  };
  return {[training] { training->step(); }, results};
}

Row evaluation_row(const std::shared_ptr<Training>& training) {
  training->net->eval();
  const auto scores = [training] {
    const NoGrad no_grad;
    return training->net(training->x);
  };
  return {[scores] { scores(); }, [scores] { return State{{"scores", scores().value()}}; }};
}

}  // namespace

OurRow net_row(const Spec& spec) {
  manual_seed(1);
  const std::shared_ptr<Training> training = training_of(spec);
  State inputs{{"x", training->x.value()}, {"target", training->target.value()}};
  for (const auto& [name, value] : training->net->state()) inputs.emplace_back("layer." + name, value);
  return {std::move(inputs), spec.number("eval", 0) == 0 ? training_row(training) : evaluation_row(training)};
}

OurRow scalar_row(const Spec& spec) {
  constexpr int sums = 1000;
  const std::string kind = spec.text("scalar");
  check(kind == "add" || kind == "chain", "scalar_row: expected add or chain, got ", kind);
  const Tensor a = Tensor::from({0.5F}, {}, {.requires_grad = true}),
               b = Tensor::from({0.25F}, {}, {.requires_grad = true});
  State inputs{{"a", a.value()}, {"b", b.value()}};
  const auto many = [=] {
    Tensor sum;
    for (int i = 0; i < sums; ++i) sum = a + b;
    return sum;
  };
  const auto chain = [=] {
    a.zero_grad();
    b.zero_grad();
    Tensor sum = a;
    for (int i = 0; i < sums; ++i) sum = sum + b;
    sum.backward();
    return sum;
  };
  if (kind == "add") return {inputs, {[=] { many(); }, [=] { return State{{"y", many().value()}}; }}};
  const auto results = [=] {
    const Tensor sum = chain();
    return State{{"y", sum.value()}, {"grad.a", a.grad().value()}, {"grad.b", b.grad().value()}};
  };
  return {inputs, {[=] { chain(); }, results}};
}

}  // namespace evenkeel::benchmarks
