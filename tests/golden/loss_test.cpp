/// Losses, with both gradients, against PyTorch.

#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/tests/support/golden_op.h>

#include <stdexcept>

namespace evenkeel::testing {
namespace {

using Args = nlohmann::json;

const Golden& ops() {
  static const Golden file("ops.safetensors");
  return file;
}

Reduction reduction_of(const Args& args) {
  const std::string name = args.at("reduction");
  if (name == "none") return Reduction::none;
  if (name == "sum") return Reduction::sum;
  if (name != "mean") throw std::invalid_argument("reduction: " + name);
  return Reduction::mean;
}

TEST(GoldenLoss, CrossEntropy) {
  expect_golden(ops(), "cross_entropy", [](const Args& args, const auto& in) {
    return cross_entropy(in["x"], in["target"],
                         {.weight = in["weight"],
                          .ignore_index = args.at("ignore_index"),
                          .label_smoothing = args.at("label_smoothing"),
                          .reduction = reduction_of(args)});
  });
}
TEST(GoldenLoss, NllLoss) {
  expect_golden(ops(), "nll_loss", [](const Args& args, const auto& in) {
    return nll_loss(
        in["x"], in["target"],
        {.weight = in["weight"], .ignore_index = args.at("ignore_index"), .reduction = reduction_of(args)});
  });
}

TEST(GoldenLoss, MseLoss) {
  expect_golden(ops(), "mse_loss", [](const Args& args, const auto& in) {
    return mse_loss(in["x"], in["target"], {.reduction = reduction_of(args)});
  });
}
TEST(GoldenLoss, L1Loss) {
  expect_golden(ops(), "l1_loss", [](const Args& args, const auto& in) {
    return l1_loss(in["x"], in["target"], {.reduction = reduction_of(args)});
  });
}
TEST(GoldenLoss, BinaryCrossEntropyWithLogits) {
  expect_golden(ops(), "binary_cross_entropy_with_logits", [](const Args& args, const auto& in) {
    return binary_cross_entropy_with_logits(
        in["x"], in["target"],
        {.weight = in["weight"], .pos_weight = in["pos_weight"], .reduction = reduction_of(args)});
  });
}

}  // namespace
}  // namespace evenkeel::testing
