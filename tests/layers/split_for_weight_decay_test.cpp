#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/layers/split_for_weight_decay.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace evenkeel {
namespace {

/// A normalization over two axes: its weight is a matrix, and yet it must not decay.
class Norm final : public Layer {
 public:
  void fields(FieldVisitor& f) override { f("weight", weight); }
  bool skips_weight_decay() const override { return true; }
  Parameter weight{Array({2, 3}, DType::float32)};

 protected:
  Tensor forward(const Tensor& x) override { return x; }
};

bool holds(const std::vector<Parameter>& list, const Parameter& wanted) {
  return std::ranges::count_if(list, [&](const auto& each) { return each.node() == wanted.node(); }) == 1;
}

TEST(SplitForWeightDecay, DecaysWeightsAndNeitherNormsNorBiases) {
  Sequential net({Linear({.in_features = 2, .out_features = 3}), Sequential({Norm()}),
                  Linear({.in_features = 3, .out_features = 1, .bias = false})});
  const auto all = net.parameters();  // weight, bias, norm, weight
  const auto split = split_for_weight_decay(net);
  ASSERT_EQ(split.decayed.size(), 2u);
  ASSERT_EQ(split.norms_and_biases.size(), 2u);
  EXPECT_TRUE(holds(split.decayed, all[0]) && holds(split.decayed, all[3]));
  EXPECT_TRUE(holds(split.norms_and_biases, all[1]) && holds(split.norms_and_biases, all[2]));
}

TEST(SplitForWeightDecay, TakesASharedParameterOnce) {
  struct Tied : Module {
    void fields(FieldVisitor& f) override {
      f("encoder", weight);
      f("decoder", weight);
    }
    Parameter weight{Array({2, 2}, DType::float32)};
  } tied;
  EXPECT_EQ(split_for_weight_decay(tied).decayed.size(), 1u);
  EXPECT_TRUE(split_for_weight_decay(tied).norms_and_biases.empty());
}

}  // namespace
}  // namespace evenkeel
