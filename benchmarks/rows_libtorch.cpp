// LibTorch's side of compare.py, for rows so small that Python would be most of their time: the MLP and the
// sums of scalars. It reads the inputs that ours wrote.

#include <evenkeel/benchmarks/rows/server.h>
#include <evenkeel/core/array.h>
#include <evenkeel/interop/safetensors.h>
#include <torch/torch.h>

#include <memory>

namespace {

namespace ek = evenkeel;
using ek::benchmarks::Row;
using ek::benchmarks::Spec;

torch::Tensor tensor_of(const ek::Array& array) {
  const auto values = array.data<float>();
  const auto dims = array.shape().dims();
  return torch::from_blob(const_cast<float*>(values.data()), {dims.data(), dims.size()}).clone();
}

ek::Array array_of(const torch::Tensor& tensor) {
  const auto flat = tensor.detach().contiguous();
  const auto sizes = flat.sizes();
  return ek::Array::from(std::span(flat.data_ptr<float>(), static_cast<std::size_t>(flat.numel())),
                         ek::Shape(std::span(sizes.data(), sizes.size())));
}

std::map<std::string, torch::Tensor> read(const std::filesystem::path& path) {
  std::map<std::string, torch::Tensor> all;
  for (const auto& [name, array] : ek::read_safetensors(path).tensors) all[name] = tensor_of(array);
  return all;
}

Row mlp_row(std::map<std::string, torch::Tensor> inputs) {
  torch::nn::Sequential net(torch::nn::Linear(2, 16), torch::nn::Tanh(), torch::nn::Linear(16, 1));
  {
    const torch::NoGradGuard no_grad;
    for (auto& parameter : net->named_parameters())
      parameter.value().copy_(inputs["layer." + parameter.key()]);
  }
  const auto sgd = std::make_shared<torch::optim::SGD>(
      net->parameters(), torch::optim::SGDOptions(0.01).momentum(0.9).weight_decay(5e-4));
  auto step = [net, sgd, x = inputs["x"], target = inputs["target"]]() mutable {
    sgd->zero_grad();
    const auto scores = net->forward(x);
    const auto loss = torch::binary_cross_entropy_with_logits(scores, target);
    loss.backward();
    sgd->step();
    return std::pair(scores, loss);
  };
  const auto results = [net, step]() mutable {
    const auto [scores, loss] = step();
    ek::State all{{"scores", array_of(scores)}, {"loss", array_of(loss)}};
    for (const auto& parameter : net->named_parameters()) {
      all.emplace_back("grad." + parameter.key(), array_of(parameter.value().grad()));
      all.emplace_back("layer." + parameter.key(), array_of(parameter.value()));
    }
    return all;
  };
  return {[step]() mutable { step(); }, results};
}

Row scalar_row(const std::string& kind, std::map<std::string, torch::Tensor> inputs) {
  constexpr int sums = 1000;
  const auto a = inputs["a"].requires_grad_(), b = inputs["b"].requires_grad_();
  const auto many = [=] {
    torch::Tensor sum;
    for (int i = 0; i < sums; ++i) sum = a + b;
    return sum;
  };
  const auto chain = [=] {
    a.mutable_grad() = torch::Tensor();
    b.mutable_grad() = torch::Tensor();
    torch::Tensor sum = a;
    for (int i = 0; i < sums; ++i) sum = sum + b;
    sum.backward();
    return sum;
  };
  if (kind == "add") return {[=] { many(); }, [=] { return ek::State{{"y", array_of(many())}}; }};
  const auto results = [=] {
    const auto sum = chain();
    return ek::State{{"y", array_of(sum)}, {"grad.a", array_of(a.grad())}, {"grad.b", array_of(b.grad())}};
  };
  return {[=] { chain(); }, results};
}

Row load_row(const std::filesystem::path& folder, const Spec& spec) {
  auto inputs = read(folder / "inputs.safetensors");
  return spec.has("net") ? mlp_row(std::move(inputs)) : scalar_row(spec.text("scalar"), std::move(inputs));
}

}  // namespace

int main() {
  return ek::benchmarks::serve({.load = load_row, .set_threads = [](int n) { torch::set_num_threads(n); }});
}
