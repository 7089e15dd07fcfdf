// How to look at gradients: on the way (hooks, retain_grad), in numbers (gradcheck, norms per layer), in
// training against evaluation, and where they go wrong (DetectAnomaly).

#include <evenkeel/evenkeel.h>

#include <iomanip>
#include <iostream>

namespace ek = evenkeel;

namespace {

ek::Sequential make_net() {
  return ek::Sequential({ek::Conv2d({.in_channels = 1, .out_channels = 4, .kernel_size = 3, .padding = 1}),
                         ek::BatchNorm2d({.num_features = 4}), ek::Tanh(), ek::Flatten(),
                         ek::Linear({.in_features = 4 * 6 * 6, .out_features = 3})});
}

struct Batch {
  ek::Tensor x = ek::randn({8, 1, 6, 6}, {.requires_grad = true});
  ek::Tensor targets = ek::Tensor::from({0, 1, 2, 0, 1, 2, 0, 1}, {8});
};

double norm(const ek::Tensor& t) { return ek::sqrt(ek::sum(t * t)).item(); }

void gradients_on_the_way() {
  std::cout << "== Gradients on the way ==\n";
  ek::Sequential net = make_net();
  const Batch batch;
  ek::Tensor hidden;
  net[1].register_forward_hook([&](ek::Layer&, const ek::Tensor&, const ek::Tensor& output) {
    hidden = output;
    hidden.retain_grad();  // results forget their gradient unless asked to keep it
  });
  const ek::Tensor loss = ek::cross_entropy(net(batch.x), batch.targets);
  loss.backward({.retain_graph = true});
  std::cout << "gradient of the BatchNorm's output: shape " << hidden.grad().shape() << ", norm "
            << norm(hidden.grad()) << '\n';

  const double before = norm(batch.x.grad());
  batch.x.zero_grad();
  ek::HookHandle halve = hidden.register_hook([](const ek::Tensor& grad) { return grad * 0.5; });
  loss.backward({.retain_graph = true});
  std::cout << "a hook that halves it there: the input's gradient is " << norm(batch.x.grad()) / before
            << " of what it was\n";
  halve.remove();
  std::cout << "\nThe tape behind the loss, newest first:\n" << ek::graph_text(loss) << '\n';
}

void norms_per_layer() {
  std::cout << "== Gradient norms per layer ==\n";
  ek::Sequential net = make_net();
  const Batch batch;
  ek::cross_entropy(net(batch.x), batch.targets).backward();
  std::cout << std::left << std::setw(12) << "parameter" << std::right << std::setw(14) << "|gradient|"
            << std::setw(14) << "|value|" << '\n';
  for (const auto& [name, parameter] : net.named_parameters())
    std::cout << std::left << std::setw(12) << name << std::right << std::setw(14) << norm(parameter.grad())
              << std::setw(14) << norm(parameter.detach()) << '\n';
  std::cout << "The convolution's bias has no gradient but rounding: the BatchNorm behind it takes the mean "
               "away.\n\n";
}

void check_by_differences() {
  std::cout << "== Gradcheck: gradients against differences ==\n";
  ek::Sequential net = make_net();
  net.to(ek::DType::float64);
  ek::Tensors inputs{ek::randn({4, 1, 6, 6}, {.requires_grad = true, .dtype = ek::DType::float64})};
  for (const auto& parameter : net.parameters()) inputs.push_back(parameter);
  const auto run = [&](const ek::Tensors& in) { return net(in[0]); };
  const auto right = ek::gradcheck(run, inputs);
  std::cout << "the net, input and all parameters: " << (right.ok() ? "ok" : "wrong") << ", " << right
            << '\n';
  const auto wrong = ek::gradcheck([](const ek::Tensors& in) { return in[0] * in[0].detach(); }, {inputs[0]});
  std::cout << "x * detach(x), half a gradient: " << (wrong.ok() ? "ok" : "wrong") << ", " << wrong << "\n\n";
}

void train_against_eval() {
  std::cout << "== Train against eval ==\n";
  ek::BatchNorm2d batch_norm({.num_features = 2});
  const ek::Tensor x = ek::randn({8, 2, 3, 3}, {.requires_grad = true});
  const ek::Tensor cotangent = ek::rand({8, 2, 3, 3});
  std::vector<ek::Tensor> outputs;
  for (const bool training : {true, false}) {
    batch_norm.train(training);
    x.zero_grad();
    outputs.push_back(batch_norm(x));
    outputs.back().backward(cotangent);
    const ek::Tensor sums = ek::sum(x.grad(), {.axes = {0, 2, 3}});
    std::cout << (training ? "train" : "eval ") << ": gradients of a channel sum up to "
              << ek::max(ek::abs(sums)).item() << '\n';
  }
  std::cout << "the outputs differ by up to " << ek::max(ek::abs(outputs[0] - outputs[1])).item() << '\n'
            << "In training the batch's own mean is taken away, so moving all pixels of a channel changes "
               "nothing.\n\n";
}

/// A layer with a trap: the logarithm of what may be negative.
class Log final : public ek::Layer {
 public:
  ek::Tensor forward(const ek::Tensor& x) override { return ek::log(x); }
};

void find_an_anomaly() {
  std::cout << "== An anomaly, found where it arises ==\n";
  ek::Sequential net({ek::Linear({.in_features = 4, .out_features = 4}), ek::Sequential({ek::Tanh(), Log()}),
                      ek::Linear({.in_features = 4, .out_features = 2})});
  const ek::Tensor x = ek::randn({8, 4});
  std::cout << "without DetectAnomaly the loss is " << ek::sum(net(x)).item() << '\n';
  try {
    const ek::DetectAnomaly on;
    net(x);
  } catch (const ek::GraphError& error) {
    std::cout << "with it: " << error.what() << '\n';
  }
}

}  // namespace

int main() {
  ek::manual_seed(0);
  gradients_on_the_way();
  norms_per_layer();
  check_by_differences();
  train_against_eval();
  find_an_anomaly();
}
