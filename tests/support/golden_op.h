#pragma once
/// Runs the recorded calls of an op: its value, its gradients and their gradients, as tests/golden/README.md
/// names them.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/golden.h>

#include <gtest/gtest.h>

#include <functional>
#include <string>
#include <utility>
#include <vector>

namespace evenkeel::testing {

/// The inputs of a case, in the order in which PyTorch was given them.
class GoldenInputs {
 public:
  void add(std::string name, Tensor value) { named_.emplace_back(std::move(name), std::move(value)); }
  /// By name; undefined where the case has none, such as "no bias".
  Tensor operator[](const std::string& name) const {
    for (const auto& [own, value] : named_)
      if (own == name) return value;
    return {};
  }
  Tensors all() const {
    Tensors values;
    for (const auto& [name, value] : named_) values.push_back(value);
    return values;
  }

 private:
  std::vector<std::pair<std::string, Tensor>> named_;
};

/// Calls our op as the case says.
using GoldenOp = std::function<Tensor(const nlohmann::json& args, const GoldenInputs& in)>;

/// One case with its images stored in `order`: the value, the fast gradients and the recorded ones, and where
/// the file has directions the second order.
inline void expect_golden_case(const Golden& golden, const GoldenCase& of, const GoldenOp& op,
                               MemoryOrder order, Tolerance tolerance) {
  const auto has = [&](const std::string& name) { return golden.has(of, name); };
  GoldenInputs inputs;
  Tensors sources;
  std::vector<std::string> names;
  for (const auto& name : of.inputs) {
    const Array values = golden(of, name);
    const bool is_image = values.shape().rank() == 4 || values.shape().rank() == 5;
    const Tensor input(is_image ? in_order(values, order) : values, has("grad_" + name));
    inputs.add(name, input);
    if (!input.requires_grad()) continue;
    sources.push_back(input);
    names.push_back(name);
  }
  const Tensor y = op(of.args, inputs);
  expect_close(y, golden(of, "y"), tolerance, "y");
  if (sources.empty()) return;

  const Tensor cotangent(golden(of, "cotangent"), true);
  for (const bool create_graph : {false, true}) {
    const Tensors grads =
        gradients(y, sources, {.cotangent = cotangent, .retain_graph = true, .create_graph = create_graph});
    for (std::size_t k = 0; k < grads.size(); ++k)
      expect_close(grads[k].defined() ? grads[k] : zeros_like(sources[k]), golden(of, "grad_" + names[k]),
                   tolerance, (create_graph ? "recorded grad_" : "grad_") + names[k]);
    if (!create_graph || !has("direction_" + names[0])) continue;
    Tensor total = zeros({}, {.dtype = y.dtype()});
    for (std::size_t k = 0; k < grads.size(); ++k)
      if (grads[k].defined()) total = total + sum(grads[k] * Tensor(golden(of, "direction_" + names[k])));
    sources.push_back(cotangent);
    names.push_back("cotangent");
    const Tensors seconds = total.requires_grad() ? gradients(total, sources) : Tensors(sources.size());
    for (std::size_t k = 0; k < seconds.size(); ++k) {
      const Array theirs = has("grad2_" + names[k]) ? golden(of, "grad2_" + names[k])
                                                    : Array(sources[k].shape(), sources[k].dtype());
      expect_close(seconds[k].defined() ? seconds[k] : zeros_like(sources[k]), theirs, tolerance,
                   "grad2_" + names[k]);
    }
  }
}

/// Every case of an op, in both memory orders.
inline void expect_golden(const Golden& golden, const std::string& name, const GoldenOp& op,
                          Tolerance float32 = golden_tolerance(DType::float32)) {
  const auto cases = golden.cases(name);
  EXPECT_FALSE(cases.empty()) << name;
  for (const auto& each : cases)
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
      SCOPED_TRACE(each.name + (order == MemoryOrder::row_major ? "" : ", channels-last"));
      expect_golden_case(golden, each, op, order,
                         each.dtype == DType::float32 ? float32 : golden_tolerance(each.dtype));
    }
}

}  // namespace evenkeel::testing
