// Every number of the five documents about normalization that this project grew from, computed by our layers
// and printed next to the document's own. The documents compare PyTorch's layers with MindSpore's. Fails
// where a number is off by more than the document's digits allow; where a document is known to be wrong it
// says so.

#include <evenkeel/evenkeel.h>

#include <algorithm>
#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>
#include <vector>

namespace ek = evenkeel;
using Numbers = std::vector<double>;

namespace {

constexpr double tolerance = 1e-4;
std::int64_t compared = 0;
double largest_difference = 0;

void print_row(std::span<const double> row) {
  for (const double number : row) std::cout << std::setw(11) << number;
}

/// Prints both, a row of four a line: ours, then the document's. The document may print only the first of
/// ours.
void compare(const std::string& what, const Numbers& ours, const Numbers& document) {
  std::cout << what << '\n';
  double difference = 0;
  for (std::size_t i = 0; i < document.size(); ++i)
    difference = std::max(difference, std::abs(ours.at(i) - document[i]));
  for (std::size_t first = 0; first < document.size(); first += 4) {
    const auto count = std::min<std::size_t>(4, document.size() - first);
    std::cout << "  ours ";
    print_row(std::span(ours).subspan(first, count));
    std::cout << "   document ";
    print_row(std::span(document).subspan(first, count));
    std::cout << '\n';
  }
  std::cout << "  difference " << std::setprecision(1) << std::scientific << difference << std::fixed
            << std::setprecision(7) << "\n\n";
  compared += static_cast<std::int64_t>(document.size());
  largest_difference = std::max(largest_difference, difference);
}

void heading(const std::string& document, const std::string& about) {
  std::cout << "== " << document << ": " << about << " ==\n\n";
}

Numbers zeros(std::size_t count) { return Numbers(count, 0.0); }
Numbers ones(std::size_t count) { return Numbers(count, 1.0); }

/// The input of the documents about BatchNorm2d and InstanceNorm2d: 0.1, 0.2, ... 1.2.
ek::Tensor tenths() {
  Numbers values;
  for (int i = 1; i <= 12; ++i) values.push_back(i / 10.0);
  return ek::Tensor::from(values, {1, 3, 2, 2}, {.dtype = ek::DType::float32});
}

void batch_norm() {
  heading("mindspore_vs_torch_batchnorm2d", "one step of training");
  ek::BatchNorm2d torch({.num_features = 3, .momentum = ek::Momentum::torch(0.1)});
  compare("BatchNorm2d, as PyTorch prints it", torch(tenths()).to_vector(),
          {-1.3411044, -0.44703478, 0.4470349, 1.3411044,   //
           -1.3411043, -0.44703442, 0.44703496, 1.3411049,  //
           -1.3411039, -0.44703427, 0.44703534, 1.341105});
  ek::BatchNorm2d mindspore = ek::mindspore::batch_norm2d({.num_features = 3, .momentum = 0.9});
  compare("gamma of MindSpore at first: 'ones'", mindspore.weight->to_vector(), ones(3));
  compare("beta at first: 'zeros'", mindspore.bias->to_vector(), zeros(3));
  compare("moving mean at first: 'zeros'", ek::Tensor(mindspore.running->mean).to_vector(), zeros(3));
  compare("moving variance at first: 'ones'", ek::Tensor(mindspore.running->var).to_vector(), ones(3));
  mindspore.train();  // a MindSpore cell starts in inference mode
  compare("BatchNorm2d, as MindSpore prints it", mindspore(tenths()).to_vector(),
          {-1.3411045, -0.4470348, 0.44703496, 1.3411045,  //
           -1.341105, -0.4470351, 0.44703424, 1.3411041,   //
           -1.3411034, -0.44703388, 0.44703573, 1.3411053});
  compare("eps of both, by default", {torch.options.eps, mindspore.options.eps}, {1e-5, 1e-5});
  compare("momentum of PyTorch: the weight of the new batch", {torch.momentum.of_new(1)}, {0.1});
  compare("momentum of MindSpore: the weight of the old value", {mindspore.momentum.of_old(1)}, {0.9});
}

void instance_norm() {
  heading("mindspore_vs_torch_instancenorm2d", "without gamma and beta");
  ek::InstanceNorm2d torch({.num_features = 3});
  compare("InstanceNorm2d, as PyTorch prints it", torch(tenths()).to_vector(),
          {-1.3411044, -0.44703478, 0.4470349, 1.3411044,   //
           -1.3411045, -0.44703463, 0.44703472, 1.3411046,  //
           -1.3411034, -0.44703388, 0.44703573, 1.3411053});
  ek::InstanceNorm2d mindspore = ek::mindspore::instance_norm2d({.num_features = 3, .affine = false});
  mindspore.train();
  compare("InstanceNorm2d, as MindSpore prints it", mindspore(tenths()).to_vector(),
          {-1.3411045, -0.4470348, 0.44703496, 1.3411045,  //
           -1.341105, -0.4470351, 0.44703424, 1.3411041,   //
           -1.3411034, -0.44703388, 0.44703573, 1.3411053});
  compare("eps of both, by default", {torch.options.eps, mindspore.options.eps}, {1e-5, 1e-5});
  compare("momentum of both, by default",
          {torch.momentum.of_new(1), ek::mindspore::InstanceNormOptions{.num_features = 3}.momentum},
          {0.1, 0.1});
}

void group_norm_of_ones() {
  heading("mindspore_vs_torch_groupnorm", "a constant gives beta, which is 0");
  const ek::Tensor x = ek::ones({1, 2, 4, 4});
  ek::GroupNorm torch({.num_groups = 2, .num_channels = 2});
  compare("GroupNorm(2, 2), as PyTorch prints it", torch(x).to_vector(), zeros(32));
  ek::GroupNorm mindspore = ek::mindspore::group_norm({.num_groups = 2, .num_channels = 2});
  compare("GroupNorm(2, 2), as MindSpore prints it", mindspore(x).to_vector(), zeros(32));
  compare("eps of both, by default", {torch.options.eps, mindspore.options.eps}, {1e-5, 1e-5});
  compare("gamma of MindSpore at first: 'ones'", mindspore.weight->to_vector(), ones(2));
  compare(
      "beta of MindSpore at first (the document's table says 'ones', which is wrong; its signature says "
      "'zeros')",
      mindspore.bias->to_vector(), zeros(2));
}

void group_norm_as_others() {
  heading("torch_groupnorm", "6 channels in 6 groups are InstanceNorm, in one group LayerNorm");
  const ek::Tensor x = ek::randn({20, 6, 10, 10});
  const auto difference = [&](const ek::Tensor& a, const ek::Tensor& b) {
    return ek::max(ek::abs(a - b)).item();
  };
  ek::GroupNorm six({.num_groups = 6, .num_channels = 6}), three({.num_groups = 3, .num_channels = 6}),
      one({.num_groups = 1, .num_channels = 6});
  ek::InstanceNorm2d instance({.num_features = 6});
  ek::LayerNorm layer({.normalized_shape = {6, 10, 10}});
  compare("largest difference of GroupNorm(6, 6) and InstanceNorm2d(6)", {difference(six(x), instance(x))},
          {0});
  compare("largest difference of GroupNorm(1, 6) and LayerNorm", {difference(one(x), layer(x))}, {0});
  const ek::Tensor groups = three(x).reshape({20, 3, 200});
  compare("GroupNorm(3, 6): mean of the first image's groups", ek::mean(groups, {.axes = {2}}).to_vector(),
          zeros(3));
  compare("GroupNorm(3, 6): biased standard deviation of the first image's groups",
          ek::sqrt(ek::var(groups, {.axes = {2}, .correction = 0})).to_vector(), ones(3));
  compare("eps", {three.options.eps}, {1e-5});
}

void worked_example() {
  heading("worked_example_groupnorm", "GroupNorm(2, 4), step by step");
  const ek::Tensor x = ek::Tensor::from(
      {1.f, 6.f, 9.f, 4.f, 12.f, 18.f, 13.f, 11.f, 1.f, 2.f, 3.f, 4.f, 5.f, 6.f,  7.f,  8.f,  //
       2.f, 7.f, 3.f, 8.f, 19.f, 17.f, 15.f, 11.f, 1.f, 3.f, 5.f, 7.f, 9.f, 11.f, 13.f, 15.f},
      {2, 4, 2, 2});
  ek::GroupNorm norm({.num_groups = 2, .num_channels = 4, .eps = 1e-5, .affine = true});
  compare("gamma at first", norm.weight->to_vector(), ones(4));
  compare("beta at first", norm.bias->to_vector(), zeros(4));
  compare("output (the document breaks off after these)", norm(x).to_vector(),
          {-1.6199, -0.6381, -0.0491, -1.0308, 0.5400, 1.7181, 0.7363, 0.3436,  //
           -1.5275, -1.0911, -0.6547, -0.2182, 0.2182, 0.6547, 1.0911, 1.5275,  //
           -1.3908, -0.5479, -1.2222, -0.3793, 1.4751, 1.1379, 0.8008, 0.1264,  //
           -1.5275, -1.0911});
  const ek::Tensor group = ek::slice(x, {.end = 1}).reshape({16});
  const ek::Tensor part = ek::slice(group, {.end = 8});
  const ek::Tensor mean = ek::mean(part), variance = ek::var(part, {.correction = 0});
  const ek::Tensor centred = part - mean, deviation = ek::sqrt(variance + 1e-5);
  const Numbers normalized{-1.6199, -0.6381, -0.0491, -1.0308, 0.5400, 1.7181, 0.7363, 0.3436};
  compare("by hand: mean of the first group", mean.to_vector(), {9.25});
  compare("by hand: its variance", variance.to_vector(), {25.9375});
  compare("by hand: x - mean", centred.to_vector(), {-8.25, -3.25, -0.25, -5.25, 2.75, 8.75, 3.75, 1.75});
  compare("by hand: sqrt(variance + eps)", deviation.to_vector(), {5.0929});
  compare("by hand: (x - mean) / sqrt(variance + eps)", (centred / deviation).to_vector(), normalized);
  compare("by hand: the same * gamma + beta", (centred / deviation * 1 + 0).to_vector(), normalized);
}

}  // namespace

int main() {
  std::cout << std::fixed << std::setprecision(7);
  batch_norm();
  instance_norm();
  group_norm_of_ones();
  group_norm_as_others();
  worked_example();
  std::cout << compared << " numbers compared, largest difference " << std::scientific << std::setprecision(1)
            << largest_difference << '\n';
  return largest_difference <= tolerance ? 0 : 1;
}
