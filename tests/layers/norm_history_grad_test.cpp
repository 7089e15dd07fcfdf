/// Bugs in the gradients of normalization layers through history, one test each. The numbers are those of a
/// list of what went wrong in other systems; each test says what it was.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/gradcheck.h>
#include <evenkeel/autograd/ops/activation.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/norms.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

namespace evenkeel {
namespace {

using namespace testing;

constexpr auto rows = MemoryOrder::row_major, last = MemoryOrder::channels_last;

Tensor random_tensor(const Shape& shape, unsigned seed, MemoryOrder order = rows) {
  return Tensor(in_order(random_values(shape, DType::float64, rows, seed), order), true);
}
double largest(const Tensor& x) {
  double out = 0;
  for (const double value : x.to_vector()) out = std::max(out, std::abs(value));
  return out;
}
/// x, weight and bias.
Tensors sources_of(const Tensor& x, Layer& layer) {
  Tensors sources{x};
  for (const auto& parameter : layer.parameters()) sources.push_back(parameter);
  return sources;
}

/// A layer with running statistics of two channels, in evaluation.
BatchNorm2d evaluated(double mean = 3, double var = 4) {
  BatchNorm2d norm(
      {.num_features = 2, .running_mean_init = mean, .running_var_init = var, .dtype = DType::float64});
  randomize(norm);
  norm.eval();
  return norm;
}

// In evaluation the backward took the formula of training.
TEST(NormHistory, B01) {
  BatchNorm2d norm = evaluated();
  InstanceNorm2d instance({.num_features = 2,
                           .affine = true,
                           .track_running_stats = true,
                           .running_mean_init = 3,
                           .running_var_init = 4,
                           .dtype = DType::float64});
  instance.eval();
  randomize(instance);
  for (Layer* layer : {static_cast<Layer*>(&norm), static_cast<Layer*>(&instance)})
    for (const auto order : {rows, last}) {
      const Tensor x = random_tensor({3, 2, 3, 4}, 1, order), cotangent = random_tensor({3, 2, 3, 4}, 2);
      const auto sources = sources_of(x, *layer);
      const auto grads = gradients((*layer)(x), sources, {.cotangent = cotangent}),
                 again = gradients((*layer)(x), sources, {.cotangent = cotangent});
      const auto dx = grads[0].to_vector(), dy = cotangent.to_vector(), gamma = sources[1].to_vector();
      for (std::size_t i = 0; i < dx.size(); ++i)
        EXPECT_NEAR(dx[i], gamma[i / 12 % 2] / std::sqrt(4 + 1e-5) * dy[i], 1e-15);
      for (std::size_t k = 0; k < grads.size(); ++k)
        EXPECT_TRUE(same_bits(grads[k].stored(), again[k].stored()));
      const auto report = gradcheck([&](const Tensors& in) { return (*layer)(in[0]); }, sources);
      EXPECT_TRUE(report.ok()) << report;
    }
}

// Evaluation before any training: the backward read statistics that were never saved.
TEST(NormHistory, B02) {
  BatchNorm2d fresh({.num_features = 2, .dtype = DType::float64});
  fresh.eval();
  const Tensor x = random_tensor({3, 2, 3, 4}, 3), cotangent = random_tensor({3, 2, 3, 4}, 4);
  const auto dx = gradients(fresh(x), {x}, {.cotangent = cotangent})[0].to_vector();
  for (std::size_t i = 0; i < dx.size(); ++i)
    EXPECT_NEAR(dx[i], cotangent.to_vector()[i] / std::sqrt(1 + 1e-5), 1e-15);
}

// The second order was wrong in evaluation, the third silently wrong in training.
TEST(NormHistory, B03) {
  BatchNorm2d norm = evaluated();
  for (const bool training : {true, false}) {
    norm.train(training);
    const auto run = [&](const Tensors& in) { return norm(in[0]); };
    const auto sources = sources_of(random_tensor({2, 2, 2, 1}, 5), norm);
    const auto second = gradgradcheck(run, sources);
    EXPECT_TRUE(second.ok()) << "training: " << training << ", second order: " << second;
    const auto third = gradcheck(gradient_of(gradient_of(run)), sources, {.atol = 1e-6, .rtol = 1e-5});
    EXPECT_TRUE(third.ok()) << "training: " << training << ", third order: " << third;
  }
}

// Gradients of values in one memory order that met those in another.
TEST(NormHistory, B16) {
  const Shape shape{3, 4, 3, 5};
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {.dtype = DType::float64});
    randomize(*layer);
    Tensors want;
    for (const auto of_x : {rows, last})
      for (const auto of_grad : {rows, last}) {
        const Tensor x = random_tensor(shape, 6, of_x), cotangent = random_tensor(shape, 7, of_grad);
        const auto grads = gradients(layer(x), sources_of(x, *layer), {.cotangent = cotangent});
        if (want.empty()) want = grads;
        for (std::size_t k = 0; k < grads.size(); ++k)
          for (std::size_t i = 0; i < grads[k].to_vector().size(); ++i)
            ASSERT_NEAR(grads[k].to_vector()[i], want[k].to_vector()[i], 1e-13) << each.name << ", " << k;
      }
  }
}

/// The sums over each group of `of`.
std::vector<double> group_sums(const Groups& of, const std::vector<double>& values) {
  std::vector<double> sums(static_cast<std::size_t>(of.total()));
  const auto size = static_cast<std::int64_t>(values.size());
  for (std::int64_t i = 0; i < size; ++i)
    sums[static_cast<std::size_t>(of.of(i, size))] += values[static_cast<std::size_t>(i)];
  return sums;
}

// Terms that are missing where gamma is 1 or the input needs no gradient.
TEST(NormHistory, B19) {
  const Shape shape{3, 4, 3, 2};
  constexpr double eps = 0.5;  // so that its share in the invariants shows
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {.eps = eps, .dtype = DType::float64});
    randomize(*layer);
    Linear before({.in_features = 2, .out_features = 2, .dtype = DType::float64});
    auto sources = sources_of(random_tensor(shape, 8), *layer);
    for (const auto& parameter : before.parameters()) sources.push_back(parameter);
    const auto report = gradcheck([&](const Tensors& in) { return layer(before(in[0])); }, sources);
    EXPECT_TRUE(report.ok()) << each.name << ": " << report;

    // sum dx = 0, and sum dx xhat = sum(gamma dy xhat) eps / (var + eps) / sqrt(var + eps), in each group.
    const Tensor x = random_tensor(shape, 9), cotangent = random_tensor(shape, 10);
    const auto dx = gradients(layer(x), {x}, {.cotangent = cotangent})[0].to_vector();
    Normalization how = each.definition(shape);
    how.eps = eps;
    const auto plain = reference<double>(x.value(), cotangent.value(), {}, {}, how);
    const auto gamma = doubles(value_of(*layer, "weight")), dy = cotangent.to_vector();
    std::vector<double> dx_xhat, h_xhat;
    for (std::size_t i = 0; i < dx.size(); ++i) {
      const auto c = how.affine.of(static_cast<std::int64_t>(i), x.size());
      const auto xhat = static_cast<double>(plain.y[i]);
      dx_xhat.push_back(dx[i] * xhat);
      h_xhat.push_back(gamma[static_cast<std::size_t>(c)] * dy[i] * xhat);
    }
    const auto sum_dx = group_sums(how.moments, dx), sum_dx_xhat = group_sums(how.moments, dx_xhat),
               sum_h_xhat = group_sums(how.moments, h_xhat);
    for (std::size_t g = 0; g < sum_dx.size(); ++g) {
      const double t = static_cast<double>(plain.var[g]) + eps;
      EXPECT_NEAR(sum_dx[g], 0, 1e-13) << each.name;
      EXPECT_NEAR(sum_dx_xhat[g], sum_h_xhat[g] * eps / t / std::sqrt(t), 1e-13) << each.name;
    }
  }
}

// A loss that is the plain sum has no gradient at all, so that any backward passes.
TEST(NormHistory, B20) {
  const Shape shape{3, 4, 3, 5};
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {.dtype = DType::float64});
    const Tensor x = random_tensor(shape, 11);
    EXPECT_LE(largest(gradients(sum(layer(x)), {x})[0]), 1e-12) << each.name;
    EXPECT_GE(largest(gradients(layer(x), {x}, {.cotangent = random_tensor(shape, 12)})[0]), 0.1)
        << each.name;
    // A backward of zeros: what these tests say of it.
    const auto zeroed = [&](const Tensors& in) { return layer(in[0].detach()) + in[0] * 0.0; };
    EXPECT_FALSE(gradcheck(zeroed, {x}).ok()) << each.name;
  }
}

// Gradients that replace where they are to add up.
TEST(NormHistory, B21) {
  const Shape shape{3, 4, 3, 5};
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {});
    randomize(*layer);
    const Tensor x(random_values(shape, DType::float32, rows, 13), true),
        cotangent(random_values(shape, DType::float32, rows, 14));
    const auto sources = sources_of(x, *layer);
    layer(x).backward(cotangent);
    std::vector<std::vector<double>> once;
    for (const auto& source : sources) once.push_back(source.grad().to_vector());
    layer(x).backward(cotangent);
    for (std::size_t k = 0; k < sources.size(); ++k)
      for (std::size_t i = 0; i < once[k].size(); ++i)
        ASSERT_EQ(sources[k].grad().to_vector()[i], 2 * once[k][i]) << each.name << ", " << k;
  }
}

// A value that the backward needs, modified in place before it runs.
TEST(NormHistory, B22) {
  const Shape shape{3, 4, 3, 5};
  for (const auto& each : norms()) {
    AnyLayer layer = each.make(shape, {});
    randomize(*layer);
    const Tensor leaf(random_values(shape, DType::float32, rows, 15), true),
        cotangent(random_values(shape, DType::float32, rows, 16));
    const Tensor x = leaf * 2.0;
    const auto modified = "normalize: a tensor of shape ";

    const Tensor of_input = layer(x);
    x.add_(1.0);
    expect_error<GraphError>([&] { of_input.backward(cotangent); }, modified);

    const Tensor of_gamma = layer(leaf);
    layer->parameters()[0].mutable_value().mutable_data<float>()[0] += 1;
    expect_error<GraphError>([&] { of_gamma.backward(cotangent); }, modified);
    EXPECT_FALSE(leaf.has_grad()) << each.name;

    // The output is not needed: what happens to it is recorded.
    const auto want = gradients(relu(layer(leaf)) * 3.0, {leaf}, {.cotangent = cotangent})[0].to_vector();
    const Tensor y = layer(leaf);
    const Tensor z = relu(y) * 3.0;
    y.fill_(7);
    EXPECT_EQ(gradients(z, {leaf}, {.cotangent = cotangent})[0].to_vector(), want) << each.name;
  }
}

// Running statistics may move between forward and backward: the graph has its own (PyTorch refuses this).
TEST(NormHistory, B22RunningStatistics) {
  BatchNorm2d norm = evaluated();
  const Tensor x = random_tensor({3, 2, 3, 4}, 17), cotangent = random_tensor({3, 2, 3, 4}, 18);
  const auto sources = sources_of(x, norm);
  const auto want = gradients(norm(x), sources, {.cotangent = cotangent});
  const Tensor y = norm(x);
  for (double& var : norm.running->var.mutable_data<double>()) var = 100;
  const auto got = gradients(y, sources, {.cotangent = cotangent});
  for (std::size_t k = 0; k < got.size(); ++k) EXPECT_TRUE(same_bits(got[k].stored(), want[k].stored()));
}

}  // namespace
}  // namespace evenkeel
