#include <evenkeel/interop/safetensors.h>
#include <evenkeel/interop/save.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/conv.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>
#include <evenkeel/tests/support/temp_folder.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <string>
#include <vector>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;
using testing::read_bytes;
using testing::same_bits;
using testing::TempFolder;
using testing::write_bytes;

/// Weights from a seed, and running statistics that one batch has moved.
struct Net final : Layer {
  explicit Net(unsigned seed) : rng(seed) { (*this)(Tensor(normal_array({2, 1, 4, 4}, seed))); }
  void fields(FieldVisitor& f) override {
    f("conv", conv);
    f("norm", norm);
    f("head", head);
  }
  Tensor forward(const Tensor& x) override { return norm(conv(x)); }

  Rng rng;
  Conv2d conv{{.in_channels = 1, .out_channels = 3, .kernel_size = 3}, rng};
  BatchNorm2d norm{{.num_features = 3}, rng};
  Sequential head{{Linear({.in_features = 3, .out_features = 2}, rng)}};
};

void expect_same_state(const State& a, const State& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(same_bits(a[i].second, b[i].second)) << a[i].first;
  }
}

TEST(Save, RoundTripKeepsEveryBit) {
  const TempFolder folder;
  const Net saved(1);
  Net loaded(2);
  save(saved, folder / "net.safetensors");
  load(loaded, folder / "net.safetensors");
  expect_same_state(loaded.state(), saved.state());
  save(loaded, folder / "again.safetensors");
  EXPECT_EQ(read_bytes(folder / "again.safetensors"), read_bytes(folder / "net.safetensors"));
  EXPECT_EQ(folder.entries(), 2);
}

TEST(Save, WritesNamesAndFormatOfPyTorch) {
  const TempFolder folder;
  save(Net(1), folder / "net.safetensors");
  const Safetensors content = read_safetensors(folder / "net.safetensors");
  std::vector<std::string> names;
  for (const auto& [name, array] : content.tensors) names.push_back(name);
  EXPECT_EQ(names, (std::vector<std::string>{"conv.weight", "conv.bias", "norm.weight", "norm.bias",
                                             "norm.running_mean", "norm.running_var",
                                             "norm.num_batches_tracked", "head.0.weight", "head.0.bias"}));
  EXPECT_EQ(content.tensors[6].second.dtype(), DType::int64);
  EXPECT_EQ(content.tensors[6].second.shape(), Shape{});
  EXPECT_EQ(content.metadata, (std::map<std::string, std::string>{{"format", "pt"}}));
}

TEST(Save, LoadsInAnyOrderAndWithoutTheCountOfBatches) {
  const TempFolder folder;
  State state = Net(1).state();
  std::ranges::reverse(state);
  std::erase_if(state, [](const auto& entry) { return entry.first == "norm.num_batches_tracked"; });
  write_safetensors(folder / "file", {state, {}});
  Net net(2);
  load(net, folder / "file");
  expect_same_state(net.state(), Net(1).state());
}

TEST(Save, LoadedNetIsSafeFromItsFile) {
  const TempFolder folder;
  Net net(1);
  save(net, folder / "file");
  load(net, folder / "file");
  save(Net(2), folder / "file");
  expect_same_state(net.state(), Net(1).state());
}

/// Loading must fail with `message`, which follows the path, and change nothing.
template <class Kind>
void expect_refused(const std::filesystem::path& path, const std::string& who, const std::string& message) {
  Net net(2);
  const State before = net.state();
  expect_error<Kind>([&] { load(net, path); }, who + ": " + path.string() + ": " + message);
  expect_same_state(net.state(), before);
}

TEST(Save, LoadRefusesNamesAndShapesThatDoNotFit) {
  const TempFolder folder;
  const auto path = folder / "net.safetensors";
  State state = Net(1).state();
  state[0].first = "conv.kernel";
  state[1].second = Array({4}, DType::float32);
  state[8].second = Array({2}, DType::float64);
  write_safetensors(path, {state, {}});
  expect_refused<ArgumentError>(
      path, "load",
      "load_state: nothing was loaded; missing: conv.weight; unexpected: conv.kernel; conv.bias: expected "
      "float32 [3], got float32 [4]; head.0.bias: expected float32 [2], got float64 [2]");
}

TEST(Save, LoadRefusesCorruptFiles) {
  const TempFolder folder;
  const auto path = folder / "net.safetensors";
  save(Net(1), path);
  const std::string bytes = read_bytes(path);
  for (const std::size_t size : {std::size_t{0}, std::size_t{7}, std::size_t{100}, bytes.size() - 1}) {
    write_bytes(path, bytes.substr(0, size));
    expect_refused<FileError>(path, "read_safetensors", "the ");
  }
  write_bytes(path, bytes + "x");
  expect_refused<FileError>(path, "read_safetensors", "the tensors take ");
  std::string renamed = bytes;
  renamed[renamed.find("F32")] = 'B';
  write_bytes(path, renamed);
  expect_refused<FileError>(path, "read_safetensors", "tensor 'conv.weight' has dtype 'B32'");
  expect_refused<FileError>(folder / "none", "read_safetensors", "cannot open: No such file");
}

TEST(Save, SaveNamesThePathThatItCannotWrite) {
  const TempFolder folder;
  const auto path = folder / "no" / "net.safetensors";
  expect_error<FileError>([&] { save(Net(1), path); }, "write_safetensors: " + path.string() + ": ");
}

}  // namespace
}  // namespace evenkeel
