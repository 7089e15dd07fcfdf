#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/conv.h>
#include <evenkeel/layers/flatten.h>
#include <evenkeel/layers/freeze_norm.h>
#include <evenkeel/layers/group_norm.h>
#include <evenkeel/layers/layer_norm.h>
#include <evenkeel/layers/linear.h>
#include <evenkeel/layers/mindspore.h>
#include <evenkeel/layers/norm_report.h>
#include <evenkeel/layers/recalibrate.h>
#include <evenkeel/layers/sequential.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/random_array.h>

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <sstream>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::normal_array;
using testing::same_bits;

Tensor images(unsigned seed = 1) {
  return Tensor(normal_array({16, 3, 6, 5}, seed, DType::float32, MemoryOrder::row_major, 2));
}

/// conv, norm, relu, norm, head; its statistics are those of such images.
Sequential healthy_net() {
  Sequential net({Conv2d({.in_channels = 3, .out_channels = 4, .kernel_size = 3}),
                  BatchNorm2d({.num_features = 4}), ReLU(), GroupNorm({.num_groups = 2, .num_channels = 4}),
                  Flatten(), Linear({.in_features = 48, .out_features = 20}),
                  BatchNorm1d({.num_features = 20}), LayerNorm({.normalized_shape = {20}})});
  recalibrate(net, std::vector{images(2), images(3), images(4)});
  net.eval();
  return net;
}

BatchNorm2d& norm_of(Sequential& net) { return dynamic_cast<BatchNorm2d&>(net[1]); }
void set(const Parameter& parameter, std::size_t channel, float value) {
  parameter.mutable_value().mutable_data<float>()[channel] = value;
}
std::string text_of(const NormReport& report) {
  std::ostringstream text;
  text << report;
  return text.str();
}
/// All findings, as "path:fault".
std::vector<std::string> faults(const NormReport& report) {
  std::vector<std::string> found;
  for (const auto& row : report.rows)
    for (const auto& finding : row.findings) {
      std::ostringstream text;
      text << row.path << ':' << finding.fault;
      found.push_back(text.str());
    }
  return found;
}
using Faults = std::vector<std::string>;

TEST(NormReport, FindsNothingInAHealthyNet) {
  Sequential net = healthy_net();
  const auto report = norm_report(net, images());
  EXPECT_TRUE(report.ok()) << report;
  ASSERT_EQ(report.rows.size(), 4u);
  EXPECT_EQ(report.rows[0].path, "1");
  EXPECT_EQ(report.rows[0].layer, "BatchNorm2d");
  EXPECT_EQ(report.rows[0].values_per_group, 16 * 4 * 3);
  EXPECT_EQ(report.rows[0].batches, 3);
  EXPECT_EQ(report.rows[1].values_per_group, 2 * 4 * 3);
  EXPECT_FALSE(report.rows[1].mean_drift.has_value());
  EXPECT_EQ(report.rows[3].values_per_group, 20);
  EXPECT_NE(text_of(report).find("no findings"), std::string::npos) << report;
}

TEST(NormReport, TouchesNothing) {
  Sequential net = healthy_net();
  net[1].train();
  net.parameters()[2].set_requires_grad(false);
  const State before = net.state();
  int calls = 0;
  net[1].register_forward_hook([&](Layer&, const Tensor&, const Tensor&) { ++calls; });
  norm_report(net, images());
  const State after = net.state();
  for (std::size_t i = 0; i < before.size(); ++i)
    EXPECT_TRUE(same_bits(after[i].second, before[i].second)) << before[i].first;
  EXPECT_TRUE(net[1].is_training());
  EXPECT_FALSE(net.is_training() || net[6].is_training());
  for (const auto& parameter : net.parameters()) EXPECT_FALSE(parameter.has_grad());
  EXPECT_FALSE(net.parameters()[2].requires_grad());
  EXPECT_EQ(calls, 2);
}

TEST(NormReport, MeasuresDriftInSigmas) {
  BatchNorm1d norm({.num_features = 2, .eps = 1e-12, .dtype = DType::float64});
  norm.running->mean = Array::from(std::vector<double>{1, 4}, {2});
  norm.running->var = Array::from(std::vector<double>{4, 4}, {2});
  *norm.running->batches.mutable_data<std::int64_t>().begin() = 7;
  const Tensor x = Tensor::from({1.0, 10.0, 3.0, 14.0}, {2, 2});  // means 2 and 12, variances 1 and 4
  const auto row = norm_report(norm, x).rows.at(0);
  EXPECT_NEAR(*row.mean_drift, 4, 1e-9);
  EXPECT_NEAR(*row.variance_ratio, 4, 1e-9);
  // y is (-1, -1, 1, 1) in training, (0, 3, 1, 5) in evaluation
  EXPECT_NEAR(*row.output_gap, std::sqrt((1 + 16 + 0 + 16) / 4.0), 1e-9);
  EXPECT_EQ(row.batches, 7);
}

TEST(NormReport, FindsStatisticsOfOtherData) {
  Sequential net = healthy_net();
  norm_of(net).running->mean.mutable_data<float>()[2] += 30;
  const auto report = norm_report(net, images());
  const auto& row = report.rows[0];
  ASSERT_TRUE(row.has(NormFault::drift)) << report;
  EXPECT_TRUE(row.has(NormFault::output_gap)) << report;
  EXPECT_FALSE(report.rows[2].has(NormFault::drift)) << report;  // its own are fine
  EXPECT_NE(row.findings[0].text.find("1 (BatchNorm2d): the batch's mean lies up to "), std::string::npos);
  EXPECT_NE(row.findings[0].text.find("in 1 of 4 channels (2); other data"), std::string::npos);
}

TEST(NormReport, FindsARunningVarianceThatDoesNotFit) {
  Sequential net = healthy_net();
  for (float& var : norm_of(net).running->var.mutable_data<float>()) var *= 100;
  const auto report = norm_report(net, images());
  EXPECT_TRUE(report.rows[0].has(NormFault::drift)) << report;
  EXPECT_TRUE(report.rows[0].has(NormFault::output_gap)) << report;
  EXPECT_NEAR(*report.rows[0].variance_ratio, 100, 30);
  EXPECT_NE(report.rows[0].findings[0].text.find("in all 4 channels"), std::string::npos);
}

TEST(NormReport, FindsStatisticsThatAreNotNumbers) {
  Sequential net = healthy_net();
  norm_of(net).running->mean.mutable_data<float>()[1] = std::numeric_limits<float>::quiet_NaN();
  const auto report = norm_report(net, images());
  EXPECT_TRUE(report.rows[0].has(NormFault::drift)) << report;
  EXPECT_NE(report.rows[0].findings[0].text.find("in 1 of 4 channels (1)"), std::string::npos) << report;
}

TEST(NormReport, FindsDeadAndExplodingGamma) {
  Sequential net = healthy_net();
  set(*norm_of(net).weight, 0, 0);
  set(*norm_of(net).weight, 3, -1e-4f);
  set(net[3].parameters()[0], 1, -250);
  set(net[7].parameters()[0], 5, std::numeric_limits<float>::infinity());
  const auto report = norm_report(net, images());
  EXPECT_TRUE(report.rows[0].has(NormFault::dead_gamma)) << report;
  EXPECT_NE(report.rows[0].findings[0].text.find("in 2 of 4 channels (0, 3)"), std::string::npos) << report;
  EXPECT_TRUE(report.rows[1].has(NormFault::exploding_gamma)) << report;
  EXPECT_EQ(report.rows[1].most_gamma, 250);
  EXPECT_TRUE(report.rows[3].has(NormFault::exploding_gamma)) << report;
}

TEST(NormReport, FindsVarianceNearEps) {
  Sequential net = healthy_net();
  set(net[0].parameters()[1], 2, 5);
  for (std::size_t i = 0; i < 27; ++i) set(net[0].parameters()[0], 2 * 27 + i, 0);  // a constant channel
  const auto report = norm_report(net, images());
  ASSERT_TRUE(report.rows[0].has(NormFault::variance_near_eps)) << report;
  EXPECT_EQ(*report.rows[0].smallest_variance, 0);
  EXPECT_NE(text_of(report).find("down to 0 eps in 1 of 4 channels (2)"), std::string::npos) << report;

  LayerNorm tiny({.normalized_shape = {5}});
  EXPECT_EQ(faults(norm_report(tiny, images() * 1e-4)), Faults{":variance_near_eps"});
}

TEST(NormReport, FindsBuffersThatWereNeverUpdated) {
  Sequential net({BatchNorm2d({.num_features = 3})});
  const auto report = norm_report(net, images());
  ASSERT_TRUE(report.rows[0].has(NormFault::never_updated)) << report;
  EXPECT_NE(text_of(report).find("0 (BatchNorm2d): the running statistics are still 0 and 1 after 0 batches"),
            std::string::npos)
      << report;
  InstanceNorm2d instance({.num_features = 3, .track_running_stats = true});
  EXPECT_TRUE(norm_report(instance, images()).rows[0].has(NormFault::never_updated));
  BatchNorm2d still({.num_features = 3, .momentum = Momentum::torch(0)});
  still(images());
  EXPECT_NE(text_of(norm_report(still, images())).find("still 0 and 1 after 1 batches"), std::string::npos);
  BatchNorm2d loaded({.num_features = 3, .running_mean_init = 2});
  EXPECT_EQ(faults(norm_report(loaded, images())), Faults{":never_updated"});
}

TEST(NormReport, FindsBatchesTooSmallForTheirGroups) {
  BatchNorm1d norm({.num_features = 3});
  for (unsigned seed = 5; seed < 40; ++seed) norm(Tensor(normal_array({64, 3}, seed)));
  const Tensor four(normal_array({4, 3}, 2));
  const auto report = norm_report(norm, four, {.output_gap = 10});
  EXPECT_EQ(faults(report), Faults{":small_batch"}) << report;
  EXPECT_NE(text_of(report).find("only 4 values share the statistics of a channel"), std::string::npos);
  EXPECT_EQ(faults(norm_report(norm, four, {.values_per_channel = 4, .output_gap = 10})), Faults{});
  freeze_norm(norm);
  EXPECT_EQ(faults(norm_report(norm, four)), Faults{}) << norm_report(norm, four);

  BatchNorm2d ghosts({.num_features = 3, .track_running_stats = false, .ghost_batch_size = 5});
  const Tensor ones(normal_array({16, 3, 2, 3}, 3));  // the last ghost is one sample of six values
  EXPECT_EQ(norm_report(ghosts, ones).rows[0].values_per_group, 6);
  EXPECT_EQ(faults(norm_report(ghosts, ones)), Faults{":small_batch"});
  GroupNorm group({.num_groups = 2, .num_channels = 4});
  EXPECT_TRUE(norm_report(group, Tensor(normal_array({9, 4}, 3))).rows[0].has(NormFault::small_batch));
}

TEST(NormReport, FindsALayerThatIsNotReached) {
  struct Net final : Layer {
    void fields(FieldVisitor& f) override {
      f("used", used);
      f("unused", unused);
    }
    Tensor forward(const Tensor& x) override { return used(x); }
    GroupNorm used{{.num_groups = 1, .num_channels = 3}}, unused{{.num_groups = 1, .num_channels = 3}};
  } net;
  const auto report = norm_report(net, images());
  EXPECT_EQ(faults(report), Faults{"unused:not_reached"}) << report;
  EXPECT_FALSE(report.rows[1].output_gap.has_value());
}

TEST(NormReport, TellsTheWorstOfSeveralCalls) {
  struct Twice final : Layer {
    void fields(FieldVisitor& f) override { f("norm", norm); }
    Tensor forward(const Tensor& x) override { return norm(x) + norm(x * 1e-4); }
    LayerNorm norm{{.normalized_shape = {5}}};
  } net;
  EXPECT_EQ(faults(norm_report(net, images())), Faults{"norm:variance_near_eps"});
}

TEST(NormReport, TakesEveryFormatAndUnbatchedImages) {
  BatchNorm2d nhwc({.num_features = 3, .track_running_stats = false, .data_format = DataFormat::NHWC});
  const auto of_nhwc = norm_report(nhwc, permute(images(), {0, 2, 3, 1})).rows[0];
  BatchNorm2d nchw({.num_features = 3, .track_running_stats = false});
  const auto of_nchw = norm_report(nchw, images()).rows[0];
  EXPECT_EQ(of_nhwc.values_per_group, 16 * 6 * 5);
  EXPECT_NEAR(*of_nhwc.smallest_variance, *of_nchw.smallest_variance, 1e-6 * *of_nchw.smallest_variance);
  InstanceNorm2d instance({.num_features = 3});
  EXPECT_EQ(norm_report(instance, Tensor(normal_array({3, 6, 5}, 1))).rows[0].values_per_group, 30);
  LayerNorm layer =
      mindspore::layer_norm({.normalized_shape = {6, 5}, .begin_norm_axis = 2, .begin_params_axis = 2});
  EXPECT_EQ(norm_report(layer, images()).rows[0].values_per_group, 30);
  InstanceNorm2d cell = mindspore::instance_norm2d({.num_features = 3});  // its statistics mean nothing
  EXPECT_TRUE(norm_report(cell, images()).ok());
}

TEST(NormReport, RefusesWhatTheNetRefuses) {
  Sequential net = healthy_net();
  net.train();
  net[1].eval();
  expect_error([&] { norm_report(net, slice(images(), {.end = 1})); },
               "BatchNorm1d: Expected more than 1 value per channel");
  EXPECT_TRUE(net.is_training() && net[6].is_training());
  EXPECT_FALSE(net[1].is_training());
  expect_error([&] { norm_report(net, slice(images(), {.end = 0})); },
               "norm_report: the batch has no elements, shape [0, 3, 6, 5]");
}

}  // namespace
}  // namespace evenkeel
