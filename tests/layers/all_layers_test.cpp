/// What holds for every layer.

#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/tests/support/all_layers.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <regex>
#include <sstream>

namespace evenkeel {
namespace {

using testing::all_layers;
using testing::LayerCase;

class AllLayers : public ::testing::TestWithParam<LayerCase> {
 protected:
  void SetUp() override { manual_seed(17); }
  AnyLayer layer() const { return GetParam().make(); }
  static Tensor input(DType dtype = DType::float32) {
    Rng rng(4);
    return randn(GetParam().input, {.dtype = dtype}, rng);
  }
};

void expect_same(const State& a, const State& b) {
  ASSERT_EQ(a.size(), b.size());
  for (std::size_t i = 0; i < a.size(); ++i) {
    EXPECT_EQ(a[i].first, b[i].first);
    EXPECT_TRUE(std::ranges::equal(a[i].second.bytes(), b[i].second.bytes())) << a[i].first;
  }
}

TEST_P(AllLayers, ListsItsParameters) {
  AnyLayer net = layer();
  for (const bool training : {true, false}) {
    net->train(training);
    EXPECT_NO_THROW(check_fields(*net, input()));
  }
}

TEST_P(AllLayers, IsItsState) {
  AnyLayer first = layer(), second = layer();
  const Tensor x = input();
  first(x);  // moves running statistics and generators
  second->load_state(first->state({.rng = true}));
  for (const bool training : {true, false}) {
    first->train(training);
    second->train(training);
    EXPECT_EQ(first(x).to_vector(), second(x).to_vector()) << "training: " << training;
    expect_same(first->state({.rng = true}), second->state({.rng = true}));
  }
}

TEST_P(AllLayers, LeavesItsInputAndEvaluatesTheSameTwice) {
  AnyLayer net = layer();
  const Tensor x = input();
  const auto before = x.to_vector();
  net(x);
  net->eval();
  const State state = net->state({.rng = true});
  EXPECT_EQ(net(x).to_vector(), net(x).to_vector());
  expect_same(net->state({.rng = true}), state);
  EXPECT_EQ(x.to_vector(), before);
}

TEST_P(AllLayers, ConvertsToFloat64) {
  AnyLayer net = layer();
  net->eval();
  const auto narrow = net(input()).to_vector();
  net->to(DType::float64);
  for (const auto& [name, array] : net->state()) EXPECT_NE(array.dtype(), DType::float32) << name;
  const Tensor wide = net(input(DType::float64));
  EXPECT_EQ(wide.dtype(), DType::float64);
  const auto values = wide.to_vector();
  for (std::size_t i = 0; i < values.size(); ++i) EXPECT_NEAR(values[i], narrow[i], 1e-4);
}

/// The axes as [N, ..., C], and back.
Tensor channels_behind(const Tensor& x) {
  std::vector<std::int64_t> axes{0};
  for (std::size_t axis = 2; axis < x.shape().rank(); ++axis) axes.push_back(static_cast<std::int64_t>(axis));
  axes.push_back(1);
  return permute(x, axes);
}
Tensor channels_first(const Tensor& x) {
  std::vector<std::int64_t> axes{0, -1};
  for (std::size_t axis = 1; axis + 1 < x.shape().rank(); ++axis)
    axes.push_back(static_cast<std::int64_t>(axis));
  return permute(x, axes);
}

TEST_P(AllLayers, TakesBothFormatsAlike) {
  if (!GetParam().make_nhwc) return;
  manual_seed(9);
  AnyLayer nchw = layer();
  manual_seed(9);
  AnyLayer nhwc = GetParam().make_nhwc();
  for (const bool training : {true, false}) {
    nchw->train(training);
    nhwc->train(training);
    const Tensor expected = nchw(input()), got = channels_first(nhwc(channels_behind(input())));
    ASSERT_EQ(got.shape(), expected.shape());
    const auto a = got.to_vector(), b = expected.to_vector();
    for (std::size_t i = 0; i < a.size(); ++i) ASSERT_NEAR(a[i], b[i], 1e-5);
  }
}

TEST_P(AllLayers, TakesAChannelsLastInputAlike) {
  if (GetParam().input.rank() != 4) return;
  AnyLayer net = layer();
  net->eval();
  const auto rows = net(input()).to_vector(),
             last = net(reorder(input(), MemoryOrder::channels_last)).to_vector();
  ASSERT_EQ(rows.size(), last.size());
  for (std::size_t i = 0; i < rows.size(); ++i) ASSERT_NEAR(rows[i], last[i], 1e-5);
}

TEST_P(AllLayers, PrintsAndSumsItselfUpWithoutChange) {
  AnyLayer net = layer();
  net(input());
  const State state = net->state({.rng = true});
  const bool was_training = net->is_training();
  const std::string table = net->summary(GetParam().input);
  std::int64_t parameters = 0;
  for (const auto& parameter : net->parameters()) parameters += parameter.size();
  EXPECT_TRUE(std::regex_search(table, std::regex("\ntotal +" + std::to_string(parameters) + " "))) << table;
  expect_same(net->state({.rng = true}), state);
  EXPECT_EQ(net->is_training(), was_training);
  std::ostringstream text;
  text << *net;
  EXPECT_TRUE(text.str().starts_with(net->type_name()));
  EXPECT_TRUE(GetParam().name.starts_with(net->type_name())) << GetParam().name;
}

TEST_P(AllLayers, RefusesAnUndefinedInput) {
  AnyLayer net = layer();
  if (net->type_name() == "Identity") return;  // gives what it gets
  EXPECT_THROW(net(Tensor()), Error);
}

INSTANTIATE_TEST_SUITE_P(, AllLayers, ::testing::ValuesIn(all_layers()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace evenkeel
