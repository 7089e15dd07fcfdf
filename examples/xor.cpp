// The first program: two layers learn the exclusive or, which one layer cannot.

#include <evenkeel/evenkeel.h>

#include <iostream>

namespace ek = evenkeel;

class Net final : public ek::Layer {
 public:
  ek::Tensor forward(const ek::Tensor& x) override { return output(ek::tanh(hidden(x))); }
  void fields(ek::FieldVisitor& f) override {
    f("hidden", hidden);
    f("output", output);
  }

  ek::Linear hidden{{.in_features = 2, .out_features = 8}};
  ek::Linear output{{.in_features = 8, .out_features = 1}};
};

int main() {
  ek::manual_seed(0);
  Net net;
  ek::SGD sgd(net.parameters(), {.lr = 0.5, .momentum = 0.9});
  const ek::Tensor x = ek::Tensor::from({0.f, 0.f, 0.f, 1.f, 1.f, 0.f, 1.f, 1.f}, {4, 2});
  const ek::Tensor y = ek::Tensor::from({0.f, 1.f, 1.f, 0.f}, {4, 1});
  for (int step = 0; step <= 200; ++step) {
    const ek::Tensor loss = ek::binary_cross_entropy_with_logits(net(x), y);
    sgd.zero_grad();
    loss.backward();
    sgd.step();
    if (step % 50 == 0) std::cout << "step " << step << "  loss " << loss.item() << '\n';
  }
  const ek::NoGrad no_grad;
  const ek::Tensor p = ek::sigmoid(net(x));
  for (std::int64_t i = 0; i < 4; ++i)
    std::cout << x.at({i, 0}) << " xor " << x.at({i, 1}) << " = " << (p.at({i, 0}) > 0.5) << "  ("
              << p.at({i, 0}) << ")\n";
}
