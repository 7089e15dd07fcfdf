/// Activations and softmax, with both gradients, against PyTorch.

#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/tests/support/golden_op.h>

namespace evenkeel::testing {
namespace {

using Args = nlohmann::json;

const Golden& ops() {
  static const Golden file("ops.safetensors");
  return file;
}

TEST(GoldenActivation, Relu) {
  expect_golden(ops(), "relu", [](const Args&, const auto& in) { return relu(in["x"]); });
}
TEST(GoldenActivation, LeakyRelu) {
  expect_golden(ops(), "leaky_relu", [](const Args& args, const auto& in) {
    return leaky_relu(in["x"], {.negative_slope = args.at("negative_slope")});
  });
}
TEST(GoldenActivation, Gelu) {
  expect_golden(ops(), "gelu", [](const Args& args, const auto& in) {
    return gelu(in["x"], {.approximate = args.at("approximate") == "tanh" ? Gelu::tanh : Gelu::none});
  });
}
TEST(GoldenActivation, Silu) {
  expect_golden(ops(), "silu", [](const Args&, const auto& in) { return silu(in["x"]); });
}
TEST(GoldenActivation, Sigmoid) {
  expect_golden(ops(), "sigmoid", [](const Args&, const auto& in) { return sigmoid(in["x"]); });
}
TEST(GoldenActivation, Tanh) {
  expect_golden(ops(), "tanh", [](const Args&, const auto& in) { return tanh(in["x"]); });
}
TEST(GoldenActivation, Softplus) {
  expect_golden(ops(), "softplus", [](const Args& args, const auto& in) {
    return softplus(in["x"], {.beta = args.at("beta"), .threshold = args.at("threshold")});
  });
}
TEST(GoldenActivation, Softmax) {
  expect_golden(ops(), "softmax",
                [](const Args& args, const auto& in) { return softmax(in["x"], args.at("axis")); });
}
TEST(GoldenActivation, LogSoftmax) {
  expect_golden(ops(), "log_softmax",
                [](const Args& args, const auto& in) { return log_softmax(in["x"], args.at("axis")); });
}

}  // namespace
}  // namespace evenkeel::testing
