#include <evenkeel/benchmarks/rows/rows.h>
#include <evenkeel/evenkeel.h>

#include <cmath>
#include <map>
#include <memory>

namespace evenkeel::benchmarks {
namespace {

/// A function of x whose parameters are the layer's; `others` are inputs that it holds beside them.
struct Op {
  std::function<Tensor(const Tensor& x)> f;
  std::shared_ptr<AnyLayer> layer = {};
  std::vector<std::pair<std::string, Tensor>> others = {};

  template <class L>
  static Op of(L made) {
    auto layer = std::make_shared<AnyLayer>(std::move(made));
    return {[layer](const Tensor& x) { return (*layer)(x); }, layer};
  }
};

Op norm_op(const Spec& spec, const std::string& op, const Shape& shape) {
  const auto gamma = init::normal(1, 0.3), beta = init::normal(0, 0.3);
  const auto channels = shape[1];
  if (op == "instance_norm")
    return Op::of(
        InstanceNorm2d({.num_features = channels, .affine = true, .gamma_init = gamma, .beta_init = beta}));
  if (op == "group_norm")
    return Op::of(
        GroupNorm({.num_groups = 8, .num_channels = channels, .gamma_init = gamma, .beta_init = beta}));
  if (op == "layer_norm")
    return Op::of(LayerNorm({.normalized_shape = shape.without(0), .gamma_init = gamma, .beta_init = beta}));
  const BatchNormOptions options{.num_features = channels,
                                 .gamma_init = gamma,
                                 .beta_init = beta,
                                 .running_mean_init = init::normal(0, 0.1),
                                 .running_var_init = init::uniform(0.8, 1.2)};
  Op batch_norm = shape.rank() == 2 ? Op::of(BatchNorm1d(options)) : Op::of(BatchNorm2d(options));
  (*batch_norm.layer)->train(spec.number("eval", 0) == 0);
  return batch_norm;
}

Conv2dAlgorithm algorithm_of(const std::string& name) {
  if (name == "accurate") return Conv2dAlgorithm::accurate;
  return name == "direct" ? Conv2dAlgorithm::direct : Conv2dAlgorithm::automatic;
}

Op make_op(const Spec& spec, const Shape& shape) {
  const std::string op = spec.text("op");
  if (op.ends_with("_norm")) return norm_op(spec, op, shape);
  if (op == "conv2d")
    return Op::of(Conv2d({.in_channels = shape[1],
                          .out_channels = spec.number("out"),
                          .kernel_size = spec.number("kernel"),
                          .stride = spec.number("stride", 1),
                          .padding = spec.number("kernel") / 2,
                          .groups = spec.number("groups", 1),
                          .bias = false,
                          .algorithm = algorithm_of(spec.text("algorithm", "automatic"))}));
  if (op == "linear") return Op::of(Linear({.in_features = shape[1], .out_features = spec.number("out")}));
  if (op == "max_pool2d") return Op::of(MaxPool2d({.kernel_size = 2}));
  static const std::map<std::string, Tensor (*)(const Tensor&)> of_one{
      {"relu", [](const Tensor& x) { return relu(x); }},
      {"sigmoid", [](const Tensor& x) { return sigmoid(x); }},
      {"tanh", [](const Tensor& x) { return tanh(x); }},
      {"silu", [](const Tensor& x) { return silu(x); }},
      {"gelu", [](const Tensor& x) { return gelu(x); }},
      {"softplus", [](const Tensor& x) { return softplus(x); }},
      {"softmax", [](const Tensor& x) { return softmax(x, 1); }},
      {"log_softmax", [](const Tensor& x) { return log_softmax(x, 1); }},
      {"avg_pool2d", [](const Tensor& x) { return avg_pool2d(x, {.kernel_size = 2}); }}};
  if (const auto f = of_one.find(op); f != of_one.end()) return {f->second};
  if (op == "add") {
    const Tensor other(in_order(randn(shape).value(), spec.text("order", "row_major") == "channels_last"
                                                          ? MemoryOrder::channels_last
                                                          : MemoryOrder::row_major),
                       true);
    return {[other](const Tensor& x) { return x + other; }, {}, {{"other", other}}};
  }
  check(op == "cross_entropy", "op_row: unknown op ", op);
  const Tensor target = to(rand({shape[0]}) * static_cast<double>(shape[1]), DType::int64);
  return {[target](const Tensor& x) { return cross_entropy(x, target); }, {}, {{"target", target}}};
}

/// Values of `distribution`: normal, relu (their positive part) or shifted (by 10).
Tensor values_of(const Shape& shape, const std::string& distribution) {
  const Tensor x = randn(shape);
  if (distribution == "relu") return relu(x);
  return distribution == "shifted" ? x + 10 : x;
}

}  // namespace

OurRow op_row(const Spec& spec) {
  manual_seed(1);
  const Shape shape = spec.shape("shape");
  const auto order = spec.text("order", "row_major") == "channels_last" ? MemoryOrder::channels_last
                                                                        : MemoryOrder::row_major;
  const Op op = make_op(spec, shape);
  const Tensor x(in_order(values_of(shape, spec.text("values", "normal")).value(), order), true);
  // As in a net, the gradient comes in the order of the result.
  const Array y = [&] {
    const NoGrad no_grad;
    const BufferUpdates none(false);
    return op.f(x).stored();
  }();
  const Tensor cotangent(in_order(randn(y.shape()).value(), y.order()));

  State inputs{{"x", x.value()}, {"cotangent", cotangent.value()}};
  std::vector<std::pair<std::string, Tensor>> leaves{{"x", x}};
  for (const auto& [name, other] : op.others) {
    inputs.emplace_back(name, other.value());
    if (other.requires_grad()) leaves.emplace_back(name, other);
  }
  if (op.layer) {
    for (const auto& [name, value] : (*op.layer)->state()) inputs.emplace_back("layer." + name, value);
    for (const auto& [name, parameter] : (*op.layer)->named_parameters())
      leaves.emplace_back(name, parameter);
  }

  const auto step = [=] {
    for (const auto& [name, leaf] : leaves) leaf.zero_grad();
    const Tensor result = op.f(x);
    result.backward(cotangent);
    return result;
  };
  const auto results = [=] {
    State all{{"y", step().value()}};
    for (const auto& [name, leaf] : leaves) all.emplace_back("grad." + name, leaf.grad().value());
    if (op.layer)
      for (const auto& [name, value] : (*op.layer)->state()) all.emplace_back("layer." + name, value);
    return all;
  };
  return {std::move(inputs), {[step] { step(); }, results}};
}

}  // namespace evenkeel::benchmarks
