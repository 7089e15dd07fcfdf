/// relu and + write their result over an operand that ends with them; nobody may see another difference than
/// the memory that it saves.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <functional>
#include <limits>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

const Shape shape{3, 5, 7, 11};
Tensor leaf(unsigned seed, MemoryOrder order = MemoryOrder::row_major) {
  return Tensor(normal_array(shape, seed, DType::float32, order), true);
}
const void* memory_of(const Tensor& x) { return x.stored().bytes().data(); }

/// An op of an operand that ends with it.
struct Op {
  const char* name;
  Tensor (*ends)(Tensor&&);
};
const Op ops[]{
    {"relu", [](Tensor&& x) { return relu(std::move(x)); }},
    {"+", [](Tensor&& x) { return std::move(x) + ones(shape); }},
};

TEST(Temporaries, GiveTheirMemoryToTheResult) {
  for (const auto& op : ops)
    for (const bool history : {false, true}) {
      const GradMode mode(history);
      Tensor x = leaf(1) * 3;
      const void* const memory = memory_of(x);
      EXPECT_EQ(memory_of(op.ends(std::move(x))), memory) << op.name;
    }
}

TEST(Temporaries, StayAsTheyAreWhereSomebodySeesThem) {
  const std::function<Tensor(const Tensor&)> eyes[]{
      [](const Tensor& x) { return x; },
      [](const Tensor& x) { return x.detach(); },
      [](const Tensor& x) { return reshape(x, {shape.count()}); },
  };
  for (const auto& op : ops)
    for (const auto& eye : eyes) {
      Tensor x = leaf(1) * 3;
      const Tensor seen = eye(x);
      const Array before = seen.value().clone();
      op.ends(std::move(x));
      EXPECT_TRUE(same_bits(seen.value(), before)) << op.name;
    }
}

/// A value and its gradients, where `seen`, if given, keeps all operands alive.
std::vector<Array> results(Tensors* seen, bool create_graph) {
  const auto see = [=](Tensor x) {
    if (seen != nullptr) seen->push_back(x);
    return x;
  };
  const Tensor a = leaf(1, MemoryOrder::channels_last), b = leaf(2, MemoryOrder::channels_last);
  const Tensor left = relu(see(see(exp(a)) + a * b));
  const Tensor y = relu(see(see(relu(see(see(tanh(a)) + b)) + left) + a));
  std::vector<Array> values{y.value()};
  for (int pass = 0; pass < 2; ++pass)  // twice: the first must leave what it needs to the second
    for (const auto& grad :
         gradients(sum(y * y), {a, b}, {.retain_graph = true, .create_graph = create_graph}))
      values.push_back(grad.value());
  return values;
}

TEST(Temporaries, HaveTheSameGradients) {
  for (const bool create_graph : {false, true}) {
    Tensors seen;
    const auto got = results(nullptr, create_graph), expected = results(&seen, create_graph);
    for (std::size_t i = 0; i < got.size(); ++i) EXPECT_TRUE(same_bits(got[i], expected[i])) << i;
  }
}

TEST(Temporaries, OfTheBackwardStayWhereAHookOrRetainGradSeesThem) {
  const Tensor x = leaf(1), cotangent(normal_array(shape, 2));
  const Array before = cotangent.value().clone();
  const Tensor y = relu(x), z = y * 1;
  Tensor seen;
  y.register_hook([&](const Tensor& grad) {
    seen = grad;
    return Tensor();
  });
  y.retain_grad();
  z.backward(cotangent);
  for (const Tensor& grad : {cotangent, seen, y.grad()}) EXPECT_TRUE(same_bits(grad.value(), before));
  EXPECT_FALSE(same_bits(x.grad().value(), before));
}

TEST(Temporaries, AreRefusedWhereTheirHistoryDoesNotDescribeThem) {
  for (const auto& op : ops) {
    Tensor x = leaf(1) * 3;
    x.detach().fill_(1);
    expect_error<GraphError>([&] { op.ends(std::move(x)); }, "was modified in place through another tensor");
  }
}

TEST(Temporaries, OfAnotherShapeOrdersAndDtypesAreBroadcastOrRefusedAsOthers) {
  EXPECT_EQ((ones({1, 2}) + ones({3, 1})).shape(), Shape({3, 2}));
  EXPECT_EQ((ones({2}) + ones({3, 1})).to_vector(), std::vector<double>(6, 2));
  const Tensor row_major = leaf(1), channels_last = leaf(2, MemoryOrder::channels_last);
  EXPECT_TRUE(same_bits((row_major * 1 + channels_last).value(), (row_major + channels_last).value()));
  expect_error([] { return ones({2}) + ones({2}, {.dtype = DType::int64}); }, "add: ");
  expect_error([] { return relu(ones({2}, {.dtype = DType::int64})); }, "relu: ");
}

TEST(Temporaries, AreLeftToTheirOwnerWhereTheOpRefusesThem) {
  Tensor x = leaf(1) * 3, whole = ones({2}, {.dtype = DType::int64});
  const Array before = x.value().clone();
  expect_error([&] { return std::move(x) + ones({2}); }, "add: ");
  expect_error([&] { return relu(std::move(whole)); }, "relu: ");
  EXPECT_TRUE(same_bits(x.value(), before));  // NOLINT(bugprone-use-after-move): that is the point
  EXPECT_EQ(whole.size(), 2);
  const Tensor twice = std::move(x) + x;
  EXPECT_TRUE(same_bits(twice.value(), (x * 2).value()));
}

TEST(Temporaries, OfIntegersWrapAroundAsOthersDo) {
  const Tensor largest = Tensor::from({std::numeric_limits<std::int64_t>::max()}, {1});
  const Tensor one = ones({1}, {.dtype = DType::int64});
  const auto expected = (largest + one).item<std::int64_t>();
  EXPECT_EQ((largest * 1 + one).item<std::int64_t>(), expected);
  EXPECT_EQ(expected, std::numeric_limits<std::int64_t>::min());
}

}  // namespace
}  // namespace evenkeel
