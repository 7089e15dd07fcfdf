// What is computed depends on the program and its data alone: not on the run (D1), on the number of threads
// (D2; op by op in OpTable.ThreadsDoNotShow), on the other rows of a batch (D3) or on where arrays lie in
// memory (D4).

#include <evenkeel/benchmarks/models.h>
#include <evenkeel/tests/support/all_layers.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/op_rows.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>

namespace evenkeel::testing {
namespace {

/// So many threads, for a scope.
struct Threads {
  explicit Threads(int n) { set_num_threads(n); }
  ~Threads() { set_num_threads(0); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
};

void expect_same(const State& got, const State& expected, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size()) << what;
  for (std::size_t i = 0; i < got.size(); ++i)
    EXPECT_TRUE(same_bits(got[i].second, expected[i].second)) << what << ": " << expected[i].first;
}

/// Whatever the number of threads, the same bits.
void expect_same_on_all_threads(const std::function<State()>& run, const std::string& what) {
  const State expected = [&] {
    const Threads one(1);
    return run();
  }();
  for (const int threads : {2, 3, 4, 8}) {
    const Threads scope(threads);
    expect_same(run(), expected, what + ", " + std::to_string(threads) + " threads");
  }
}

/// The value and the gradients of all inputs for a random cotangent.
State results_of(const OpRow& row) {
  Rng rng(5);
  Tensors in;
  for (const auto& shape : row.large) {
    auto values = randn(shape, {.dtype = DType::float64}, rng).to_vector();
    if (row.draw) std::ranges::transform(values, values.begin(), row.draw);
    in.emplace_back(Array::from(values, shape, DType::float32), true);
  }
  const Tensor y = row.f(in);
  State all{{"y", y.stored()}};
  if (!row.differentiable) return all;
  y.backward(randn(y.shape(), {.dtype = y.dtype()}, rng));
  for (const auto& input : in)
    if (input.has_grad()) all.emplace_back("gradient", input.grad().stored());
  return all;
}

/// The output in training, the gradients of input and parameters, and what became of the buffers.
State results_of(const LayerCase& each, std::int64_t batch, MemoryOrder order) {
  manual_seed(7);
  AnyLayer layer = each.make();
  layer->train();
  const Tensor x(normal_array(each.input.with(0, batch), 1, DType::float32, order), true);
  const Tensor y = layer(x);
  y.backward(Tensor(normal_array(y.shape(), 2)));
  State all{{"y", y.stored()}, {"gradient of x", x.grad().stored()}};
  for (const auto& [name, parameter] : layer->named_parameters())
    if (parameter.requires_grad()) all.emplace_back("gradient of " + name, parameter.grad().stored());
  for (const auto& entry : layer->state()) all.push_back(entry);
  return all;
}

constexpr std::int64_t enough_for_threads = 3 * elements_per_task;

std::vector<MemoryOrder> orders_of(const Shape& shape) {
  if (shape.rank() != 4 && shape.rank() != 5) return {MemoryOrder::row_major};
  return {MemoryOrder::row_major, MemoryOrder::channels_last};
}

/// Losses, and all parameters and buffers at the end, of a short training of ResNet-20 by batches of 16. The
/// images are small, so that a run takes a second.
State trained(const std::string& norm) {
  manual_seed(3);
  benchmarks::ResNet20 net(benchmarks::norm_maker(norm));
  SGD sgd(net.parameters(), {.lr = 0.05, .momentum = 0.9, .weight_decay = 5e-4});
  const Tensor target = Tensor::from({3, 1, 4, 1, 5, 9, 2, 6, 5, 3, 5, 8, 9, 7, 9, 3}, {16});
  const int steps = build_info().debug ? 3 : 50;
  State all;
  for (int step = 0; step < steps; ++step) {
    const auto seed = static_cast<unsigned>(step);
    const Tensor x(normal_array({16, 3, 16, 16}, seed));
    const Tensor loss = cross_entropy(net(x), target);
    sgd.zero_grad();
    loss.backward();
    sgd.step();
    all.emplace_back("loss " + std::to_string(step), loss.stored().clone());
  }
  for (const auto& entry : net.state()) all.push_back(entry);
  return all;
}

TEST(Determinism, D1TrainingRepeatsItself) { expect_same(trained("batch"), trained("batch"), "ResNet-20"); }

TEST(Determinism, D2LayersOnAnyNumberOfThreads) {
  for (const auto& each : all_layers())
    for (const auto order : orders_of(each.input)) {
      const auto batch = each.input[0] * ceil_div(enough_for_threads, each.input.count());
      expect_same_on_all_threads([&] { return results_of(each, batch, order); }, each.name);
    }
}

TEST(Determinism, D2TrainingOnAnyNumberOfThreads) {
  expect_same_on_all_threads([] { return trained("batch"); }, "ResNet-20");
}

/// Row i of a batch, alone.
Array row_of(const Array& batch, std::int64_t i) {
  return in_order(slice(Tensor(batch), {.axis = 0, .begin = i, .end = i + 1}).value(), batch.order());
}

/// Each row alone gives what it gives in the batch; its gradient likewise.
void expect_rows_to_be_independent(Layer& layer, const Array& batch, const std::string& what) {
  const Tensor x(batch, true), y = layer(x);
  const Array cotangent = normal_array(y.shape(), 4, DType::float32, y.stored().order());
  y.backward(Tensor(cotangent));
  const Array all = y.stored(), grads = in_order(x.grad().stored(), batch.order());
  for (std::int64_t i = 0; i < batch.shape()[0]; ++i) {
    const Tensor row(row_of(batch, i), true), alone = layer(row);
    alone.backward(Tensor(row_of(cotangent, i)));
    EXPECT_TRUE(same_bits(alone.stored(), row_of(all, i)))
        << what << ", row " << i << " of " << batch.shape();
    EXPECT_TRUE(same_bits(in_order(row.grad().stored(), batch.order()), row_of(grads, i)))
        << what << ", gradient of row " << i << " of " << batch.shape();
  }
}

TEST(Determinism, D3RowsOfABatchInEvaluation) {
  for (const auto& each : all_layers()) {
    if (each.name == "BatchNorm2dUntracked") continue;  // it normalizes by the batch in evaluation too
    AnyLayer layer = each.make();
    layer->eval();
    for (const auto order : orders_of(each.input))
      for (const std::int64_t rows : {2, 5, 33})
        expect_rows_to_be_independent(
            *layer, normal_array(each.input.with(0, rows), 1, DType::float32, order), each.name);
  }
}

TEST(Determinism, D3RowsOfLinear) {
  for (const auto& [in, out] : {std::pair{7, 3}, {64, 10}, {129, 65}, {1568, 128}, {300, 1000}})
    for (const std::int64_t rows : {2, 8, 37}) {
      Linear layer({.in_features = in, .out_features = out});
      expect_rows_to_be_independent(layer, normal_array({rows, in}, 1), "Linear");
    }
}

TEST(Determinism, D3RowsOfANet) {
  for (const std::string norm : {"batch", "group", "instance"}) {
    benchmarks::ResNet20 net(benchmarks::norm_maker(norm));
    randomize(net);
    net.eval();
    expect_rows_to_be_independent(net, normal_array({16, 3, 16, 16}, 1), norm);
  }
}

/// What else the program holds moves the arrays of a training to other addresses.
TEST(Determinism, D4TrainingAnywhereInMemory) {
  const State expected = trained("batch");
  std::vector<Array> held;
  for (std::int64_t size = 1; size < 200'000; size = size * 3 / 2 + 1)
    for (int i = 0; i < 3; ++i) held.emplace_back(Shape{size}, DType::float32);
  expect_same(trained("batch"), expected, "beside other arrays");
  for (std::size_t i = 0; i < held.size(); i += 2) held[i] = Array();
  expect_same(trained("batch"), expected, "among freed ones");
}

TEST(Determinism, D4OpsAnywhereInMemory) {
  for (const auto& row : op_rows()) {
    if (row.large.empty()) continue;
    const State expected = results_of(row);
    std::vector<Array> held;
    for (const auto& shape : row.large)
      for (std::int64_t i = 1; i < 4; ++i) held.emplace_back(Shape{shape.count() + 16 * i}, DType::float32);
    expect_same(results_of(row), expected, row.name());
  }
}

}  // namespace
}  // namespace evenkeel::testing
