/// Every layer's gradients, in both modes.

#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/tests/support/all_layers.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::all_layers;
using testing::LayerCase;

class AllLayersGrad : public ::testing::TestWithParam<LayerCase> {};

TEST_P(AllLayersGrad, IsTheDerivative) {
  manual_seed(21);
  AnyLayer net = GetParam().make();
  net->to(DType::float64);
  Rng rng(6);
  const Tensor x = randn(GetParam().input, {.requires_grad = true, .dtype = DType::float64}, rng);
  for (const auto& parameter : net->parameters())  // no ones or zeros, whose gradients may be right by chance
    parameter.mutable_value() = randn(parameter.shape(), {.dtype = DType::float64}, rng).stored();
  net(x);  // so that running statistics are not 0 and 1
  Tensors inputs{x};
  for (const auto& parameter : net->parameters())
    if (parameter.requires_grad()) inputs.push_back(parameter);
  for (const bool training : {true, false}) {
    net->train(training);
    const auto function = [&](const Tensors& in) { return net(in[0]); };
    for (const bool create_graph : {false, true}) {
      const auto report = gradcheck(function, inputs, {.create_graph = create_graph});
      EXPECT_TRUE(report.ok()) << "training: " << training << ", create_graph: " << create_graph << ": "
                               << report;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(, AllLayersGrad, ::testing::ValuesIn(all_layers()),
                         [](const auto& row) { return row.param.name; });

}  // namespace
}  // namespace evenkeel
