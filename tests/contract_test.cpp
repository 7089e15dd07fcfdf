// The programs that the documents promise, as written there. What stands around them supplies a `net`, a
// `cotangent` and a small data set, and looks at what came out.

#include <evenkeel/evenkeel.h>
#include <evenkeel/tests/support/idx_files.h>
#include <evenkeel/tests/support/temp_folder.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <filesystem>
#include <iostream>

#pragma GCC diagnostic ignored "-Wunused-value"
#pragma GCC diagnostic ignored "-Wunused-variable"
#pragma GCC diagnostic ignored "-Wunused-but-set-variable"

namespace {

// clang-format off

namespace ek = evenkeel;

class Net final : public ek::Layer {
 public:
  ek::Tensor forward(const ek::Tensor& x) override {
    return head(ek::flatten(ek::max_pool2d(ek::relu(norm(conv(x))), {.kernel_size = 2})));
  }
  void fields(ek::FieldVisitor& f) override { f("conv", conv); f("norm", norm); f("head", head); }

  ek::Conv2d conv{{.in_channels = 1, .out_channels = 16, .kernel_size = 3, .padding = 1}};
  ek::BatchNorm2d norm{{.num_features = 16}};
  ek::Linear head{{.in_features = 16 * 14 * 14, .out_features = 10}};
};

// clang-format on

/// A folder with a small Fashion-MNIST, which is also where programs write, and what they print.
class Contract : public ::testing::Test {
 protected:
  Contract() : home_(std::filesystem::current_path()) {
    evenkeel::testing::write_fashion_mnist(folder_.path(), 300, 10);
    setenv("EVENKEEL_DATA", folder_.path().c_str(), 1);
    std::filesystem::current_path(folder_.path());
    ::testing::internal::CaptureStdout();
  }
  ~Contract() override {
    if (capturing_) printed();
    std::filesystem::current_path(home_);
    unsetenv("EVENKEEL_DATA");
  }
  std::string printed() {
    capturing_ = false;
    return ::testing::internal::GetCapturedStdout();
  }
  static bool contains(const std::string& text, const std::string& part) {
    return text.find(part) != std::string::npos;
  }

 private:
  evenkeel::testing::TempFolder folder_;
  std::filesystem::path home_;
  bool capturing_ = true;
};

TEST_F(Contract, TrainsANet) {
  // clang-format off
  ek::manual_seed(0);
  Net net;
  ek::SGD sgd(net.parameters(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4});
  ek::data::FashionMNIST train({.split = ek::data::Split::train});
  for (const auto& batch : ek::data::DataLoader(train, {.batch_size = 128, .shuffle = true})) {
    ek::Tensor loss = ek::cross_entropy(net(batch.inputs), batch.targets);   // [N, C] scores, int64 [N] classes
    sgd.zero_grad();
    loss.backward();
    sgd.step();
  }
  net.eval();                                    // running statistics from here on
  ek::NoGrad no_grad;
  ek::Tensor scores = net(ek::Tensor::from(std::vector<float>(28 * 28), {1, 1, 28, 28}));
  // clang-format on
  EXPECT_EQ(scores.shape(), ek::Shape({1, 10}));
  EXPECT_FALSE(scores.requires_grad());
  EXPECT_EQ(net.norm.running->batches.data<std::int64_t>()[0], 3);
  EXPECT_TRUE(net.head.weight.has_grad());
  EXPECT_EQ(printed(), "");
}

TEST_F(Contract, InspectsGradients) {
  const ek::Tensor cotangent = ek::ones({2, 2}, {.dtype = ek::DType::float64});
  // clang-format off
  // Inspecting gradients
  ek::Tensor x = ek::Tensor::from({1.0, 2.0, 3.0, 4.0}, {2, 2}, {.requires_grad = true, .dtype = ek::DType::float64});
  ek::Tensor y = x * x;
  y.retain_grad();
  ek::HookHandle hook = y.register_hook([](const ek::Tensor& grad) { std::cout << grad.shape() << '\n'; });   // may return a replacement
  ek::sum(y).backward({.retain_graph = true});
  x.grad().to_vector<double>();                    // {2, 4, 6, 8}
  ek::Tensor z = y * y; z.backward(cotangent);     // any cotangent of z's shape
  auto second = ek::gradients(ek::sum(x * x * x), {x}, {.create_graph = true});
  auto report = ek::gradcheck([](const ek::Tensors& in) { return ek::tanh(in[0]); }, {x});   // report.ok(), .error, .input, .index
  ek::check(report.ok(), "tanh: ", report);
  // clang-format on
  EXPECT_EQ(x.grad().to_vector<double>(), (std::vector<double>{2 + 4, 4 + 32, 6 + 108, 8 + 256}));
  EXPECT_EQ(y.grad().to_vector<double>(), (std::vector<double>{1 + 2, 1 + 8, 1 + 18, 1 + 32}));
  EXPECT_EQ(second[0].to_vector<double>(), (std::vector<double>{3, 12, 27, 48}));
  EXPECT_TRUE(second[0].requires_grad());
  EXPECT_EQ(printed(), "[2, 2]\n[2, 2]\n");
}

TEST_F(Contract, SpeaksTwoDialects) {
  Net net;
  // clang-format off
  // Two dialects of one layer
  ek::BatchNorm2d torch_like({.num_features = 3, .momentum = ek::Momentum::torch(0.1)});
  ek::BatchNorm2d ms_like = ek::mindspore::batch_norm2d({.num_features = 3, .momentum = 0.9, .gamma_init = "ones",
      .beta_init = 0.0, .moving_var_init = "ones", .use_batch_statistics = std::nullopt, .data_format = "NCHW"});
  ms_like.train();                                 // MindSpore cells start in inference mode
  torch_like.weight->grad(); torch_like.bias->grad();       // gamma and beta: std::optional<Parameter>
  torch_like.running->mean; torch_like.running->var; torch_like.running->batches;   // Arrays; absent when not tracked
  ek::GroupNorm gn({.num_groups = 3, .num_channels = 6, .gamma_init = ek::init::normal(1.0, 0.02)});
  ek::InstanceNorm2d in({.num_features = 6, .affine = true, .track_running_stats = true});
  ek::LayerNorm ln({.normalized_shape = {4, 5}, .elementwise_affine = true});
  ek::State state = net.state();                   // ordered name -> Array, copies
  net.load_state(state);                           // all or nothing
  ek::save(net, "net.safetensors");  ek::load(net, "net.safetensors");
  std::cout << net << net.summary({8, 1, 28, 28});
  for (auto& [name, parameter] : net.named_parameters()) std::cout << name << ' ' << parameter.shape() << '\n';
  // clang-format on
  EXPECT_EQ(state.size(), 9u);  // weight and bias of each, and three statistics
  EXPECT_TRUE(std::filesystem::exists("net.safetensors"));
  const std::string text = printed();
  EXPECT_TRUE(contains(text, "BatchNorm2d")) << text;
  EXPECT_TRUE(contains(text, "[8, 16, 28, 28]")) << text;
  EXPECT_TRUE(contains(text, "conv.weight [16, 1, 3, 3]\n")) << text;
  EXPECT_TRUE(contains(text, "head.bias [10]\n")) << text;
}

TEST_F(Contract, PutsValuesInAndOut) {
  // clang-format off
  // Values in and out
  ek::Tensor a = ek::Tensor::from({1.f, 2.f, 3.f, 4.f}, {2, 2});        // dtype from the values: bool and uint8_t give uint8, other integers int64
  ek::Tensor b = ek::randn({2, 2}), c = ek::zeros_like(a), d = ek::arange(4).reshape({2, 2});
  float first = a.at<float>({0, 1});  float total = ek::sum(a).item<float>();
  ek::Array values = ek::Array::from(std::vector<float>{1, 2, 3}, {3});
  std::span<const float> raw = a.value().data<float>();
  // clang-format on
  EXPECT_EQ(first, 2.f);
  EXPECT_EQ(total, 10.f);
  EXPECT_EQ(d.dtype(), ek::DType::int64);
  EXPECT_EQ(c.to_vector<float>(), std::vector<float>(4));
  EXPECT_EQ(std::vector<float>(raw.begin(), raw.end()), (std::vector<float>{1, 2, 3, 4}));
  EXPECT_EQ(values.shape(), ek::Shape({3}));
}

}  // namespace
