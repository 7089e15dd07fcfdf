#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/graph_text.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/expect_close.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/op_rows.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>

namespace evenkeel::testing {
namespace {

constexpr Tolerance exact{1e-12, 1e-12};
constexpr auto channels_last = MemoryOrder::channels_last;

/// The inputs of a row; bit i of `turned` stores input i channels-last, where it has two orders.
Tensors inputs_of(const OpRow& row, const std::vector<Shape>& shapes, DType dtype, unsigned turned = 0) {
  Rng rng(11);
  Tensors in;
  for (std::size_t i = 0; i < shapes.size(); ++i) {
    auto values = randn(shapes[i], {.dtype = DType::float64}, rng).to_vector();
    if (row.draw) std::ranges::transform(values, values.begin(), row.draw);
    const bool turn = (shapes[i].rank() == 4 || shapes[i].rank() == 5) && (turned >> i & 1) != 0;
    const Array array = Array::from(values, shapes[i], dtype);
    in.emplace_back(turn ? in_order(array, channels_last).clone() : array, true);
  }
  return in;
}
Tensors inputs_of(const OpRow& row) { return inputs_of(row, row.shapes, DType::float64); }

Tensor cotangent_of(const Tensor& y) {
  Rng rng(3);
  return randn(y.shape(), {.dtype = y.dtype()}, rng);
}
/// <y, cotangent> differentiated; zeros where y does not depend on an input.
Tensors gradients_of(const Tensor& y, const Tensors& in, const Tensor& cotangent) {
  Tensors grads = gradients(y, in, {.cotangent = cotangent, .retain_graph = true});
  for (std::size_t i = 0; i < in.size(); ++i)
    if (!grads[i].defined()) grads[i] = zeros_like(in[i]);
  return grads;
}

void expect_reference(const OpRow& row) {
  for (const auto dtype : {DType::float64, DType::float32}) {
    const Tensors in = inputs_of(row, row.shapes, dtype);
    std::vector<Values> values;
    for (const auto& input : in) values.push_back({input.shape(), input.to_vector()});
    const Tensor y = row.f(in);
    const Values expected = row.reference(values);
    expect_close(y, Array::from(expected.flat, expected.shape, y.dtype()),
                 dtype == DType::float64 ? exact : Tolerance{1e-5, 1e-5}, "y");
  }
}

void expect_gradients(const OpRow& row) {
  if (!row.differentiable) return;  // expect_name_in_graph sees that there is no history
  const Tensors in = inputs_of(row);
  const auto first = gradcheck(row.f, in, row.gradcheck);
  EXPECT_TRUE(first.ok()) << first;
  if (row.second_order) {
    const auto second = gradgradcheck(row.f, in, row.gradcheck);
    EXPECT_TRUE(second.ok()) << second;
  } else {
    const Tensor y = row.f(in);
    expect_error<GraphError>([&] { gradients(y, in, {.cotangent = cotangent_of(y), .create_graph = true}); },
                             row.op + ": gradients of gradients are not supported");
  }
}

/// Inputs of one shape become one tensor, which moreover goes through the op twice.
void expect_uses_to_add_up(const OpRow& row) {
  if (!row.differentiable) return;
  const Tensors first = inputs_of(row);
  Tensors same, apart;
  for (const auto& input : first) {
    const auto twin = std::ranges::find_if(same, [&](const Tensor& s) { return s.shape() == input.shape(); });
    same.push_back(twin == same.end() ? input : *twin);
    apart.emplace_back(same.back().stored().clone(), true);
  }
  const Tensor y = row.f(apart), cotangent = cotangent_of(y);
  const Tensors parts = gradients_of(y, apart, cotangent);
  (row.f(same) + row.f(same)).backward(cotangent);
  for (const auto& input : same) {
    Tensor total = zeros_like(input);
    for (std::size_t i = 0; i < same.size(); ++i)
      if (same[i].node() == input.node()) total = total + parts[i] * 2;
    expect_close(input.has_grad() ? input.grad() : zeros_like(input), total.value(), exact, "gradient");
  }
}

void expect_name_in_graph(const OpRow& row) {
  const Tensors in = inputs_of(row);
  const Tensor y = row.f(in);
  EXPECT_EQ(graph_text(y).find(' ' + row.op + " <-") != std::string::npos, row.differentiable)
      << graph_text(y);
  const NoGrad no_grad;
  const auto alive = Node::alive();
  const Tensor plain = row.f(in);
  EXPECT_EQ(Node::alive(), alive);
  EXPECT_FALSE(plain.requires_grad());
  EXPECT_TRUE(same_bits(plain.stored(), y.stored()));
}

void expect_graph_to_be_freed(const OpRow& row) {
  if (!row.differentiable) return;
  const Tensors in = inputs_of(row);
  const Tensor y = row.f(in), cotangent = cotangent_of(y);
  const Tensors once = gradients_of(y, in, cotangent);
  y.backward(cotangent, {.retain_graph = true});
  y.backward(cotangent);
  for (std::size_t i = 0; i < in.size(); ++i) {
    const Tensor total = in[i].has_grad() ? in[i].grad() : zeros_like(in[i]);
    EXPECT_EQ(total.to_vector(), (once[i] * 2).to_vector());
  }
  expect_error<GraphError>([&] { y.backward(cotangent); }, "the graph was freed by an earlier backward");
}

/// Value, gradients and gradients of gradients, with the cotangent in the other order than the value.
Tensors results_of(const OpRow& row, unsigned turned) {
  const Tensors in = inputs_of(row, row.shapes, DType::float64, turned);
  const Tensor y = row.f(in);
  Tensors all{y};
  if (!row.differentiable) return all;
  Array cotangent = cotangent_of(y).stored();
  if (y.shape().rank() == 4 && !is_channels_last(y.stored())) cotangent = in_order(cotangent, channels_last);
  for (const auto& grad : gradients_of(y, in, Tensor(cotangent))) all.push_back(grad);
  if (!row.second_order) return all;
  const Tensor second = gradient_of(row.f)(in);
  if (second.requires_grad())
    for (const auto& grad : gradients_of(second, in, ones_like(second))) all.push_back(grad);
  return all;
}

void expect_same_in_both_orders(const OpRow& row) {
  const Tensors expected = results_of(row, 0);
  for (unsigned turned = 1; turned < 1u << row.shapes.size(); ++turned) {
    const Tensors got = results_of(row, turned);
    ASSERT_EQ(got.size(), expected.size());
    for (std::size_t k = 0; k < got.size(); ++k)
      expect_close(got[k], expected[k].value(), {1e-11, 1e-11}, "result " + std::to_string(k));
  }
}

/// Value and gradients, as so many threads compute them.
std::vector<Array> results_by(int threads, const OpRow& row, const Tensors& in) {
  const struct Scope {
    explicit Scope(int n) { set_num_threads(n); }
    ~Scope() { set_num_threads(0); }
  } scope(threads);
  const Tensor y = row.f(in);
  std::vector<Array> all{y.stored()};
  if (row.differentiable)
    for (const auto& grad : gradients_of(y, in, cotangent_of(y))) all.push_back(grad.stored());
  return all;
}

void expect_same_on_all_threads(const OpRow& row) {
  if (row.large.empty()) return;
  for (const auto dtype : {DType::float32, DType::float64})
    for (const unsigned turned : {0u, ~0u}) {
      const Tensors in = inputs_of(row, row.large, dtype, turned);
      const auto expected = results_by(1, row, in);
      std::int64_t most = expected[0].size();
      for (const auto& input : in) most = std::max(most, input.size());
      EXPECT_GT(most, 2 * elements_per_task) << "too small for threads to share";
      for (const int threads : {2, 3, 4, 8}) {
        const auto got = results_by(threads, row, in);
        for (std::size_t k = 0; k < got.size(); ++k)
          EXPECT_TRUE(same_bits(got[k], expected[k])) << "result " << k << ", " << threads << " threads";
      }
    }
}

/// The ops, each with all its rows.
class OpTable : public ::testing::TestWithParam<std::string> {
 protected:
  void for_each_row(void (*expect)(const OpRow&)) {
    for (const auto& row : op_rows()) {
      if (row.op != GetParam()) continue;
      SCOPED_TRACE(row.name());
      expect(row);
    }
  }
};

TEST_P(OpTable, ValueIsTheReference) { for_each_row(expect_reference); }
TEST_P(OpTable, GradientsAreThoseOfTheValue) { for_each_row(expect_gradients); }
TEST_P(OpTable, UsesOfOneTensorAddUp) { for_each_row(expect_uses_to_add_up); }
TEST_P(OpTable, RecordsItsNameAndOnlyUnderGradMode) { for_each_row(expect_name_in_graph); }
TEST_P(OpTable, ASecondBackwardNeedsTheGraph) { for_each_row(expect_graph_to_be_freed); }
TEST_P(OpTable, BothMemoryOrdersGiveTheSame) { for_each_row(expect_same_in_both_orders); }
TEST_P(OpTable, ThreadsDoNotShow) { for_each_row(expect_same_on_all_threads); }

std::vector<std::string> names() {
  std::vector<std::string> all;
  for (const auto& row : op_rows()) all.push_back(row.op);
  std::ranges::sort(all);
  all.erase(std::unique(all.begin(), all.end()), all.end());
  return all;
}
INSTANTIATE_TEST_SUITE_P(Ops, OpTable, ::testing::ValuesIn(names()),
                         [](const auto& each) { return each.param; });

}  // namespace
}  // namespace evenkeel::testing
