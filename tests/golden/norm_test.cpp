/// Every recorded normalization layer: three steps, then output, gradients, second order and running
/// statistics, with images stored in both memory orders.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/golden_norm.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::expect_close;
using testing::Golden;
using testing::golden_tolerance;
using testing::GoldenCase;

/// The state before the first step.
State start_of(const Golden& golden, const GoldenCase& of, const Module& layer) {
  State state = layer.state();
  for (auto& [name, value] : state) {
    const auto* const prefix = name == "weight" || name == "bias" ? "" : "start_";
    if (golden.has(of, prefix + name)) value = golden(of, prefix + name);
  }
  return state;
}

void expect_second_order(const Golden& golden, const GoldenCase& of, const Tensor& y, Tensors sources,
                         std::vector<std::string> names, const Tensor& cotangent) {
  const Tensors grads = gradients(y, sources, {.cotangent = cotangent, .create_graph = true});
  Tensor total = zeros({}, {.dtype = y.dtype()});
  for (std::size_t k = 0; k < grads.size(); ++k) {
    expect_close(grads[k], golden(of, "grad_" + names[k]), golden_tolerance(of.dtype),
                 "recorded " + names[k]);
    if (golden.has(of, "direction_" + names[k]))
      total = total + sum(grads[k] * Tensor(golden(of, "direction_" + names[k])));
  }
  if (!golden.has(of, "direction_x")) return;
  sources.push_back(cotangent);
  names.emplace_back("cotangent");
  const Tensors seconds = gradients(total, sources);
  for (std::size_t k = 0; k < seconds.size(); ++k)
    expect_close(seconds[k].defined() ? seconds[k] : zeros_like(sources[k]),
                 golden.has(of, "grad2_" + names[k]) ? golden(of, "grad2_" + names[k])
                                                     : Array(sources[k].shape(), sources[k].dtype()),
                 golden_tolerance(of.dtype), "grad2_" + names[k]);
}

void expect_case(const Golden& golden, const GoldenCase& of, AnyLayer layer, MemoryOrder order) {
  layer->train(of.all.at("args").at("training"));
  layer->load_state(start_of(golden, of, *layer));
  const auto input = [&](const std::string& name) {
    const Array values = golden(of, name);
    const bool is_image = values.shape().rank() == 4 || values.shape().rank() == 5;
    return is_image ? in_order(values, order) : values;
  };
  for (const auto* step : {"x0", "x1"})
    if (golden.has(of, step)) layer(Tensor(input(step)));

  const Tensor x(input("x2"), true);
  const Tensor y = layer(x);
  expect_close(y, golden(of, "y"), golden_tolerance(of.dtype), "y");
  for (const auto& [name, value] : layer->state())
    if (golden.has(of, "start_" + name))
      expect_close(Tensor(value), golden(of, name), golden_tolerance(of.dtype), name);

  Tensors sources{x};
  std::vector<std::string> names{"x"};
  for (const auto& [name, parameter] : layer->named_parameters())
    if (golden.has(of, "grad_" + name)) {
      sources.push_back(parameter);
      names.push_back(name);
    } else {
      EXPECT_FALSE(parameter.requires_grad()) << name;
    }
  const Tensor cotangent(golden(of, "cotangent"), true);
  const Tensors grads = gradients(y, sources, {.cotangent = cotangent, .retain_graph = true});
  for (std::size_t k = 0; k < grads.size(); ++k)
    expect_close(grads[k], golden(of, "grad_" + names[k]), golden_tolerance(of.dtype), "grad_" + names[k]);
  expect_second_order(golden, of, y, sources, names, cotangent);
}

using Make = AnyLayer (*)(const GoldenCase&);

void expect_file(const std::string& file, Make make, std::size_t at_least) {
  const Golden golden(file);
  EXPECT_GE(golden.cases().size(), at_least);
  for (const auto& of : golden.cases())
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
      SCOPED_TRACE(of.name + (order == MemoryOrder::row_major ? "" : ", channels-last"));
      expect_case(golden, of, make(of), order);
    }
}

TEST(GoldenNorm, IsPyTorchs) { expect_file("norm_torch.safetensors", testing::torch_norm, 280); }
TEST(GoldenNorm, IsMindSpores) { expect_file("norm_mindspore.safetensors", testing::mindspore_norm, 75); }
TEST(GoldenNorm, IsMindSporesByDefinition) {
  expect_file("norm_definition.safetensors", testing::mindspore_norm, 70);
}

}  // namespace
}  // namespace evenkeel
