#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

namespace evenkeel {
namespace {

using testing::expect_error;

Tensor scalar(double value) { return Tensor::from({value}, {}, {.requires_grad = true}); }
Tensor leaf(const Shape& shape) { return randn(shape, {.requires_grad = true, .dtype = DType::float64}); }

TEST(Engine, SumsGradientsOverAllPaths) {
  const Tensor a = scalar(1), b = a + a, c = b + b;
  c.backward();
  EXPECT_EQ(a.grad().item(), 4);
  const Tensor copy = a;
  EXPECT_EQ(copy.grad().item(), 4);
}

TEST(Engine, RefusesAFreedGraph) {
  const Tensor a = scalar(1), c = a + a;
  c.backward();
  expect_error<GraphError>(
      [&] { c.backward(); },
      "add: the graph was freed by an earlier backward; pass {.retain_graph = true} to keep it");
  EXPECT_EQ(a.grad().item(), 2);
}

TEST(Engine, AccumulatesWithRetainGraph) {
  const Tensor a = scalar(1), d = a * a;
  d.backward({.retain_graph = true});
  d.backward();
  EXPECT_EQ(a.grad().item(), 4);
  a.zero_grad();
  EXPECT_FALSE(a.has_grad());
}

TEST(Engine, LeavesNeverShareAGradientsStorage) {
  const Tensor left = scalar(1), right = scalar(1);
  (left + right).backward();
  Array(left.grad().value()).mutable_data<double>()[0] = 5;
  EXPECT_EQ(right.grad().item(), 1);
}

TEST(Versions, AStaleValueIsFoundBeforeAnythingRuns) {
  const Tensor x = leaf({2, 2}), y = exp(x), loss = sum(y * y);
  bool ran = false;
  loss.register_hook([&](const Tensor&) { ran = true; });
  Array alias = y.value();
  alias.mutable_data<double>()[0] = 3;
  expect_error<GraphError>(
      [&] { loss.backward(); },
      "mul: a tensor of shape [2, 2] needed for backward was modified in place (version 2, saved at 1)");
  EXPECT_FALSE(x.has_grad());
  EXPECT_FALSE(loss.node()->is_freed());
  EXPECT_FALSE(ran);
}

TEST(Engine, HooksObserveAndReplaceAndRetainGradKeeps) {
  const Tensor p = scalar(3), q = p * p, r = q * 2;
  double seen = 0;
  q.retain_grad();
  q.register_hook([&](const Tensor& grad) { seen = grad.item(); });
  HookHandle tenfold = p.register_hook([](const Tensor& grad) { return grad * 10; });
  r.backward({.retain_graph = true});
  EXPECT_EQ(seen, 2);
  EXPECT_EQ(q.grad().item(), 2);
  EXPECT_EQ(p.grad().item(), 120);
  tenfold.remove();
  tenfold.remove();
  const std::weak_ptr hooks = q.node()->hooks;
  r.backward();
  EXPECT_EQ(p.grad().item(), 132);
  EXPECT_TRUE(hooks.expired());
}

TEST(Engine, AHookThatThrowsLeavesEveryGradientAlone) {
  const Tensor p = scalar(3);
  for (const bool retain : {true, false}) {
    const Tensor u = exp(p), v = u * u;
    u.register_hook([](const Tensor&) { fail("hook: no"); });
    (p * 2).backward();
    const double before = p.grad().item();
    expect_error([&] { (v + p).backward({.retain_graph = retain}); }, "hook: no");
    EXPECT_EQ(p.grad().item(), before);
    EXPECT_NE(v.node()->is_freed(), retain);
  }
}

TEST(Engine, AnOpThatThrowsLeavesEveryGradientAlone) {
  const Tensor p = scalar(3);
  const Tensor w =
      record({.op = "bad",
              .inputs = {p},
              .output = p.stored(),
              .backward = [](const Tensor&, const Saved&, const Needs&) -> Gradients { fail("bad: no"); }});
  expect_error([&] { (w + p).backward(); }, "bad: no");
  EXPECT_FALSE(p.has_grad());
  EXPECT_TRUE(w.node()->is_freed());
}

TEST(Engine, RefusesHooksWithAnotherShape) {
  const Tensor x = leaf({2, 2});
  x.register_hook([](const Tensor&) { return zeros({3}, {.dtype = DType::float64}); });
  expect_error([&] { sum(x).backward(); }, "hook: expected a gradient of float64 [2, 2], got float64 [3]");
  EXPECT_FALSE(x.has_grad());
}

TEST(Engine, DetachAndNoGradLeaveNoHistory) {
  const Tensor p = scalar(3);
  EXPECT_FALSE(p.detach().requires_grad());
  const NoGrad no_grad;
  EXPECT_FALSE((p * p).requires_grad());
}

TEST(Engine, NamesWhatIsWrongWithABackward) {
  const Tensor x = leaf({2, 2}), p = scalar(3);
  expect_error([&] { exp(x).backward(); }, "backward: expected a scalar, got shape [2, 2]; pass a cotangent");
  expect_error<GraphError>([&] { p.detach().backward(); },
                           "backward: the tensor has no history; was it computed under NoGrad?");
  expect_error([&] { exp(x).backward(p); },
               "backward: expected a gradient of float64 [2, 2], got float64 []");
  expect_error([&] { leaf({2, 3}) + x; }, "add: float64 [2, 3] does not fit float64 [2, 2]");
}

TEST(Engine, ComputesOnlyTheGradientsThatAreNeeded) {
  static int calls;
  calls = 0;
  const auto counted = [](const Tensor& in, const Tensor& weight) {
    return record({.op = "counted",
                   .inputs = {in, weight},
                   .output = in.stored(),
                   .saved = {in, weight},
                   .backward = [](const Tensor& grad, const Saved&, const Needs& needs) -> Gradients {
                     calls += (needs(0) ? 1 : 0) + (needs(1) ? 10 : 0);
                     return {needs(0) ? grad : Tensor(), Tensor()};
                   }});
  };
  const Tensor image = leaf({3}), frozen = randn({3}, {.dtype = DType::float64});
  sum(counted(image, frozen)).backward();
  gradients(sum(counted(image, exp(leaf({1})))), {image});
  EXPECT_EQ(calls, 2);
}

TEST(Engine, GradientsAreUndefinedWhereTheOutputDoesNotDepend) {
  const Tensor image = leaf({2, 3}), x = leaf({2});
  const Tensors joined = gradients(sum(concat({image, image}, 0) * 2), {image, x});
  EXPECT_EQ(joined[0].at({0, 0}), 4);
  EXPECT_FALSE(joined[1].defined());
  EXPECT_FALSE(image.has_grad());
  expect_error<GraphError>([&] { gradients(sum(x), {x.detach()}); },
                           "gradients: input 0 requires no gradient");
}

TEST(Engine, DeepGraphsNeitherRecurseNorLeak) {
  const auto alive = Node::alive();
  {
    const Tensor s = scalar(1);
    Tensor deep = s;
    for (int i = 0; i < 300000; ++i) deep = i % 2 ? deep + s : exp(deep * 0);
    deep.backward({.retain_graph = true});
    EXPECT_TRUE(s.has_grad());
  }
  EXPECT_EQ(Node::alive(), alive);
}

TEST(HigherOrder, CreateGraphGivesGradientsOfGradients) {
  const auto alive = Node::alive();
  {
    const Tensor x = scalar(2);
    (pow(x, 3) + x * x * x - x * x * x).backward({.create_graph = true});
    const Tensor first = x.grad();
    x.zero_grad();
    first.backward({.create_graph = true});
    EXPECT_EQ(first.item(), 12);
    EXPECT_EQ(x.grad().item(), 12);
  }
  EXPECT_EQ(Node::alive(), alive);
}

/// Its backward leaves the graph: of first order only.
Tensor cube(const Tensor& x) {
  return record({
      .op = "cube",
      .inputs = {x},
      .output = kernels::map(
          "cube", [](auto v) { return v * v * v; }, x.stored()),
      .saved = {x},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {grad * Tensor(kernels::map(
                           "cube", [](auto v) { return 3 * v * v; }, saved[0].stored()))};
      },
  });
}

TEST(HigherOrder, ABackwardOutsideTheGraphIsRefused) {
  const Tensor x = scalar(2), y = cube(x);
  y.backward({.retain_graph = true});
  EXPECT_EQ(x.grad().item(), 12);
  expect_error<GraphError>(
      [&] { y.backward({.create_graph = true}); },
      "cube: gradients of gradients are not supported (its backward computes outside the graph)");
}

TEST(InPlace, IsRecorded) {
  const Tensor x = scalar(3), y = x * 2, z = scalar(5);
  y.add_(z).add_(1);
  EXPECT_EQ(y.item(), 12);
  (y * y).backward();
  EXPECT_EQ(x.grad().item(), 48);
  EXPECT_EQ(z.grad().item(), 24);
}

TEST(InPlace, CopyAndFillForgetTheOldValue) {
  const Tensor x = scalar(3), z = Tensor::from({4.f}, {}, {.requires_grad = true});
  const Tensor y = x * 2;
  y.copy_(z);
  (y * 1).backward();
  EXPECT_FALSE(x.has_grad());
  EXPECT_EQ(z.grad().item(), 1);
  const Tensor w = x * 2;
  w.fill_(7);
  EXPECT_FALSE(w.requires_grad());
  EXPECT_EQ(w.item(), 7);
}

TEST(InPlace, RefusesLeavesAndWhatDoesNotFit) {
  const Tensor x = leaf({2, 2});
  expect_error<GraphError>([&] { x.add_(1); },
                           "add_: a leaf of shape [2, 2] that requires a gradient cannot be modified in "
                           "place; write it under NoGrad");
  const Tensor plain = zeros({2, 2});
  expect_error(
      [&] {
        plain.add_(zeros({3, 2, 2}));
      },
      "add_: float32 [3, 2, 2] does not fit into float32 [2, 2]");
  const NoGrad no_grad;
  EXPECT_NO_THROW(x.add_(1));
}

TEST(Versions, InPlaceOnASavedValueIsFoundInBackward) {
  const Tensor x = scalar(2), y = x * 3, z = y * y;
  y.add_(1);
  expect_error<GraphError>(
      [&] { z.backward(); },
      "mul: a tensor of shape [] needed for backward was modified in place (version 2, saved at 1)");
}

TEST(Versions, AWriteThroughSharedMemoryIsFoundAtTheNextUse) {
  const Tensor x = leaf({4}), y = x * 3, view = y.reshape({2, 2});
  y.add_(1);
  expect_error<GraphError>(
      [&] { sum(view); },
      "sum: an input of shape [2, 2], the result of reshape, was modified in place through another "
      "tensor that shares its memory (version 2, made at 1); use clone()");
}

}  // namespace
}  // namespace evenkeel
