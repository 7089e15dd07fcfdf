#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/linear.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/parameter.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <future>
#include <set>
#include <vector>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

/// f(i) for i below n, each in a thread of its own.
template <class F>
auto in_threads(int n, F f) {
  std::vector<std::future<decltype(f(0))>> running;
  for (int i = 0; i < n; ++i) running.push_back(std::async(std::launch::async, f, i));
  std::vector<decltype(f(0))> results;
  for (auto& each : running) results.push_back(each.get());
  return results;
}

TEST(Threads, DifferentiateGraphsOfTheirOwnOverSharedParameters) {
  set_num_threads(2);
  const Parameter weight(normal_array({40, 300}, 1)), bias(normal_array({40}, 2));
  const auto step = [&](int i) {
    const Tensor x(normal_array({64, 300}, static_cast<unsigned>(3 + i)), true);
    const Tensor y = linear(x, weight, bias);
    return gradients(sum(y * y), {weight, bias, x});
  };
  const auto expected = [&] {
    std::vector<Tensors> all;
    for (int i = 0; i < 4; ++i) all.push_back(step(i));
    return all;
  }();
  for (int round = 0; round < 3; ++round) {
    const auto got = in_threads(4, step);
    for (std::size_t i = 0; i < got.size(); ++i)
      for (std::size_t k = 0; k < 3; ++k)
        EXPECT_TRUE(same_bits(got[i][k].stored(), expected[i][k].stored())) << i << ' ' << k;
  }
  EXPECT_FALSE(weight.has_grad());
  set_num_threads(0);
}

TEST(Threads, EachAccumulatesIntoLeavesOfItsOwn) {
  const Parameter shared(normal_array({50}, 1));
  shared.set_requires_grad(false);
  const auto grads = in_threads(4, [&](int i) {
    const Tensor own(normal_array({50}, static_cast<unsigned>(i)), true);
    for (int step = 0; step < 10; ++step) sum(own * shared).backward();
    return own.grad();
  });
  for (const auto& grad : grads)
    for (std::size_t i = 0; i < 50; ++i) EXPECT_NEAR(grad.to_vector()[i], 10 * shared.to_vector()[i], 1e-5);
}

TEST(Threads, AHooksExceptionReachesWhoCalledBackward) {
  const Parameter weight(normal_array({5}, 1));
  const auto results = in_threads(3, [&](int i) {
    const Tensor y = weight * 2, loss = sum(y * y);
    y.register_hook([=](const Tensor&) { check(i != 1, "hook: thread ", i); });
    if (i == 1) {
      expect_error([&] { gradients(loss, {weight}); }, "hook: thread 1");
      return Tensor();
    }
    return gradients(loss, {weight})[0];
  });
  EXPECT_FALSE(results[1].defined());
  EXPECT_TRUE(same_bits(results[0].stored(), results[2].stored()));
  EXPECT_THROW(in_threads(1,
                          [&](int) {
                            const Tensor y = weight * 2;
                            y.register_hook([](const Tensor&) { fail("hook: no"); });
                            sum(y).backward();
                            return 0;
                          }),
               ArgumentError);
  EXPECT_FALSE(weight.has_grad());
}

TEST(Threads, AGraphMayBeDifferentiatedByAnotherThreadThanMadeIt) {
  const Tensor x(normal_array({5}, 1), true), loss = sum(x * x);
  in_threads(1, [&](int) {
    loss.backward();
    return 0;
  });
  EXPECT_TRUE(same_bits(x.grad().stored(), (x.detach() * 2).stored()));
}

TEST(Threads, HaveSwitchesOfTheirOwn) {
  const Tensor x(normal_array({5}, 1), true);
  const NoGrad no_grad;
  const BufferUpdates frozen(false);
  const DetectAnomaly detect;
  const auto recorded = in_threads(
      2, [&](int) { return (x * 2).requires_grad() && BufferUpdates::on && !DetectAnomaly::is_on(); });
  EXPECT_TRUE(recorded[0] && recorded[1]);
  EXPECT_FALSE((x * 2).requires_grad());
}

TEST(Threads, DrawDifferentNumbersOfOneGenerator) {
  Rng rng(7);
  const auto drawn =
      in_threads(4, [&](int) { return rand({100}, {.dtype = DType::float64}, rng).to_vector(); });
  std::set<double> all;
  for (const auto& numbers : drawn) all.insert(numbers.begin(), numbers.end());
  EXPECT_EQ(all.size(), 400u);
  EXPECT_EQ(rng.position(), 400u);
}

TEST(Threads, ForgetDeepGraphsAtTheSameTime) {
  const auto alive = Node::alive();
  in_threads(4, [](int) {
    const Tensor s = Tensor::from({1.}, {}, {.requires_grad = true});
    Tensor deep = s;
    for (int i = 0; i < 20000; ++i) deep = deep + s;
    deep.backward();
    return s.grad().item();
  });
  EXPECT_EQ(Node::alive(), alive);
}

}  // namespace
}  // namespace evenkeel
