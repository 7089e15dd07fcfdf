#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/tests/support/golden_op.h>

#include <gtest/gtest.h>

#include <optional>
#include <vector>

namespace evenkeel::testing {
namespace {

using Args = nlohmann::json;
using Inputs = GoldenInputs;

const Golden& ops() {
  static const Golden file("ops.safetensors");
  return file;
}
void expect_op(const std::string& name, const GoldenOp& op) { expect_golden(ops(), name, op); }

std::vector<std::int64_t> list(const Args& args, const std::string& key) {
  return args[key].is_null() ? std::vector<std::int64_t>() : args[key].get<std::vector<std::int64_t>>();
}
template <class T>
std::optional<T> optional(const Args& args, const std::string& key) {
  return args[key].is_null() ? std::nullopt : std::optional(args[key].get<T>());
}
ReduceOptions reduction(const Args& args) { return {list(args, "axes"), args["keepdim"]}; }

/// Of two tensors, or of a tensor and a number on either side.
template <class F>
void expect_binary(const std::string& name, F f) {
  expect_op(name, [=](const Args& args, const Inputs& in) {
    if (!args.contains("scalar")) return f(in["a"], in["b"]);
    const double number = args["scalar"];
    return args["side"] == "right" ? f(in["x"], number) : f(number, in["x"]);
  });
}
template <class F>
void expect_unary(const std::string& name, F f) {
  expect_op(name, [=](const Args&, const Inputs& in) { return f(in["x"]); });
}

TEST(GoldenOps, Arithmetic) {
  expect_binary("add", [](const auto& a, const auto& b) { return a + b; });
  expect_binary("sub", [](const auto& a, const auto& b) { return a - b; });
  expect_binary("mul", [](const auto& a, const auto& b) { return a * b; });
  expect_binary("div", [](const auto& a, const auto& b) { return a / b; });
  expect_unary("neg", [](const Tensor& x) { return -x; });
}

TEST(GoldenOps, MaximumMinimumWhere) {
  expect_op("maximum", [](const Args&, const Inputs& in) { return maximum(in["a"], in["b"]); });
  expect_op("minimum", [](const Args&, const Inputs& in) { return minimum(in["a"], in["b"]); });
  expect_op("where", [](const Args&, const Inputs& in) { return where(in["condition"], in["a"], in["b"]); });
}

TEST(GoldenOps, Math) {
  expect_unary("exp", [](const Tensor& x) { return exp(x); });
  expect_unary("log", [](const Tensor& x) { return log(x); });
  expect_unary("sqrt", [](const Tensor& x) { return sqrt(x); });
  expect_unary("abs", [](const Tensor& x) { return abs(x); });
  expect_op("pow", [](const Args& args, const Inputs& in) {
    return args.contains("exponent") ? pow(in["x"], args["exponent"].get<double>()) : pow(in["a"], in["b"]);
  });
  expect_op("clamp", [](const Args& args, const Inputs& in) {
    return clamp(in["x"], {.min = optional<double>(args, "min"), .max = optional<double>(args, "max")});
  });
}

TEST(GoldenOps, Reductions) {
  expect_op("sum", [](const Args& args, const Inputs& in) { return sum(in["x"], reduction(args)); });
  expect_op("mean", [](const Args& args, const Inputs& in) { return mean(in["x"], reduction(args)); });
  expect_op("max", [](const Args& args, const Inputs& in) { return max(in["x"], reduction(args)); });
  expect_op("min", [](const Args& args, const Inputs& in) { return min(in["x"], reduction(args)); });
  expect_op("var", [](const Args& args, const Inputs& in) {
    return var(in["x"],
               {.axes = list(args, "axes"), .keepdim = args["keepdim"], .correction = args["correction"]});
  });
}

TEST(GoldenOps, PlacesOfExtremes) {
  expect_op("argmax", [](const Args& args, const Inputs& in) {
    return argmax(in["x"], optional<std::int64_t>(args, "axis"), args["keepdim"]);
  });
  expect_op("argmin", [](const Args& args, const Inputs& in) {
    return argmin(in["x"], optional<std::int64_t>(args, "axis"), args["keepdim"]);
  });
}

TEST(GoldenOps, Shapes) {
  expect_op("reshape", [](const Args& args, const Inputs& in) {
    const auto shape = list(args, "shape");
    return shape.size() == 2 ? reshape(in["x"], {shape[0], shape[1]}) : reshape(in["x"], Shape(shape));
  });
  expect_op("permute",
            [](const Args& args, const Inputs& in) { return permute(in["x"], list(args, "axes")); });
  expect_op("transpose", [](const Args& args, const Inputs& in) {
    return transpose(in["x"], args["axis0"], args["axis1"]);
  });
  expect_op("squeeze",
            [](const Args& args, const Inputs& in) { return squeeze(in["x"], args["axis"].get<int>()); });
  expect_op("unsqueeze", [](const Args& args, const Inputs& in) { return unsqueeze(in["x"], args["axis"]); });
  expect_op("concat", [](const Args& args, const Inputs& in) { return concat(in.all(), args["axis"]); });
  expect_op("stack", [](const Args& args, const Inputs& in) { return stack(in.all(), args["axis"]); });
  expect_op("slice", [](const Args& args, const Inputs& in) {
    const std::int64_t begin = args["start"], length = args["length"];
    return slice(in["x"], {.axis = args["axis"], .begin = begin, .end = begin + length});
  });
}

}  // namespace
}  // namespace evenkeel::testing
