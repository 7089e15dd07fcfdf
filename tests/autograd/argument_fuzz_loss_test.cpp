#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/dropout.h>
#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/autograd/ops/softmax.h>
#include <evenkeel/tests/support/argument_fuzz.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::Arguments;
using testing::Call;

Reduction reduction(Arguments& any) { return any.any({Reduction::none, Reduction::mean, Reduction::sum}); }

TEST(ArgumentFuzz, ActivationsGiveAResultOrAnError) {
  std::vector<Call> calls;
  const auto add = [&](const std::string& name, auto f) { calls.push_back({name, f}); };
  add("relu", [](Arguments& any) { return relu(any.tensor()); });
  add("leaky_relu", [](Arguments& any) { return leaky_relu(any.tensor(), {any.number()}); });
  add("gelu", [](Arguments& any) { return gelu(any.tensor(), {any.any({Gelu::none, Gelu::tanh})}); });
  add("silu", [](Arguments& any) { return silu(any.tensor()); });
  add("sigmoid", [](Arguments& any) { return sigmoid(any.tensor()); });
  add("tanh", [](Arguments& any) { return tanh(any.tensor()); });
  add("softplus", [](Arguments& any) { return softplus(any.tensor(), {any.number(), any.number()}); });
  add("softmax", [](Arguments& any) { return softmax(any.tensor(), any.integer()); });
  add("log_softmax", [](Arguments& any) { return log_softmax(any.tensor(), any.integer()); });
  add("dropout", [](Arguments& any) {
    Rng rng(1);
    return dropout(any.tensor(), {any.number(), any.flag()}, rng);
  });
  testing::expect_results_or_errors(calls);
}

/// The shape of targets for these scores, and targets of which most are classes.
Tensor classes(Arguments& any, const Tensor& scores) {
  const Shape& shape = scores.shape();
  const Shape fitting = shape.rank() == 0 ? shape : shape.without(shape.rank() == 1 ? 0 : 1);
  const Tensor target = any.tensor(any.one_in(4) ? any.like(fitting) : fitting);
  return any.one_in(6) || !target.defined() ? target : to(target, DType::int64);
}
Tensor class_weights(Arguments& any, const Tensor& scores) {
  if (any.flag()) return {};
  const auto rank = scores.shape().rank();
  return any.tensor(any.like({rank == 0 ? 1 : scores.shape()[rank == 1 ? 0 : 1]}));
}

TEST(ArgumentFuzz, LossesGiveAResultOrAnError) {
  std::vector<Call> calls;
  const auto add = [&](const std::string& name, auto f) { calls.push_back({name, f}); };
  add("cross_entropy", [](Arguments& any) {
    const Tensor scores = any.tensor();
    const Tensor target = any.flag() ? classes(any, scores) : any.tensor_like(scores);
    const double smoothing = any.flag() ? 0 : any.number();
    return cross_entropy(
        scores, target,
        {class_weights(any, scores), any.one_in(3) ? any.integer() : -1, smoothing, reduction(any)});
  });
  add("nll_loss", [](Arguments& any) {
    const Tensor scores = any.tensor();
    return nll_loss(scores, classes(any, scores),
                    {class_weights(any, scores), any.one_in(3) ? any.integer() : -1, reduction(any)});
  });
  add("mse_loss", [](Arguments& any) {
    const Tensor x = any.tensor();
    return mse_loss(x, any.tensor_like(x), {reduction(any)});
  });
  add("l1_loss", [](Arguments& any) {
    const Tensor x = any.tensor();
    return l1_loss(x, any.tensor_like(x), {reduction(any)});
  });
  add("binary_cross_entropy_with_logits", [](Arguments& any) {
    const Tensor x = any.tensor();
    const auto weight = [&] { return any.flag() ? Tensor() : any.tensor_like(x); };
    return binary_cross_entropy_with_logits(x, any.tensor_like(x), {weight(), weight(), reduction(any)});
  });
  testing::expect_results_or_errors(calls);
}

}  // namespace
}  // namespace evenkeel
