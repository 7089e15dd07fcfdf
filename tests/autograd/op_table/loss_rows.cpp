#include <evenkeel/autograd/ops/loss.h>
#include <evenkeel/tests/support/op_rows.h>

#include <algorithm>
#include <cmath>
#include <numeric>

namespace evenkeel::testing {
namespace {

const Reduction reductions[]{Reduction::none, Reduction::mean, Reduction::sum};
const char* const reduction_names[]{"none", "mean", "sum"};

/// Losses and what the mean divides by.
Values reduced(const Values& losses, double divisor, Reduction reduction) {
  if (reduction == Reduction::none) return losses;
  const double total = std::accumulate(losses.flat.begin(), losses.flat.end(), 0.0);
  return {{}, {reduction == Reduction::mean ? total / divisor : total}};
}

/// Rows for a loss of pairs of elements.
template <class F, class Loss>
void add_pairs(std::vector<OpRow>& rows, const std::string& op, const std::string& what, F f, Loss loss) {
  for (int i = 0; i < 3; ++i)
    rows.push_back({.op = op,
                    .what = reduction_names[i] + what,
                    .shapes = {{1, 4, 2, 2}, {1, 4, 2, 2}},
                    .large = {{3, 4, 61, 67}, {3, 4, 61, 67}},
                    .f = [=](const Tensors& in) { return f(in[0], in[1], reductions[i]); },
                    .reference =
                        [=](const std::vector<Values>& in) {
                          const auto losses = by_index(in[0].shape, [&](const Index& at) {
                            return loss(in[0].at(at), in[1].at(at), at);
                          });
                          return reduced(losses, static_cast<double>(losses.flat.size()), reductions[i]);
                        }});
}

/// -weight * (pos_weight * t * log s + (1 - t) * log(1 - s)) with the sigmoid s.
double binary_cross_entropy(double v, double t, double weight, double pos_weight) {
  const double s = 1 / (1 + std::exp(-v));
  return -weight * (pos_weight * t * std::log(s) + (1 - t) * std::log(1 - s));
}

// Five classes, whatever the shape; class 1 is ignored where a row says so.
constexpr double class_weights[]{0.5, 2, 1, 0.25, 3};
Tensor weights_for(const Tensor& x) { return Tensor::from(class_weights, {5}, {.dtype = x.dtype()}); }
std::int64_t class_at(std::int64_t i) { return (i * 7 + 3) % 5; }
Tensor classes_for(const Tensor& x) {
  const Shape shape = x.shape().without(1);
  std::vector<std::int64_t> classes;
  for (std::int64_t i = 0; i < shape.count(); ++i) classes.push_back(class_at(i));
  return Tensor::from(classes, shape);
}

/// One loss for every line along axis 1: loss(line of scores, position of the line, its offset).
template <class Loss>
Values losses_of_lines(const Values& x, Loss loss) {
  std::int64_t position = 0;
  return by_index(x.shape.without(1), [&](Index at) {
    at.insert(at.begin() + 1, 0);
    std::vector<double> line;
    for (; at[1] < x.shape[1]; ++at[1]) line.push_back(x.at(at));
    at[1] = 0;
    return loss(line, position++, at);
  });
}
std::vector<double> log_softmax_of(std::vector<double> line) {
  double total = 0;
  for (const double v : line) total += std::exp(v);
  for (double& v : line) v -= std::log(total);
  return line;
}

struct Variant {
  std::string what;
  Shape shape, large;
  Reduction reduction;
  double smoothing;
};
const Variant variants[]{
    {"mean", {3, 5}, {4000, 5}, Reduction::mean, 0},
    {"sum_smoothed", {3, 5}, {}, Reduction::sum, 0.3},
    {"mean_of_pixels", {2, 5, 3, 2}, {2, 5, 61, 67}, Reduction::mean, 0.1},
    {"none_of_pixels", {2, 5, 3, 2}, {2, 5, 61, 67}, Reduction::none, 0},
    {"none_of_lines", {2, 5, 3}, {}, Reduction::none, 0.2},
};

/// -(1 - e) w_t log p_t - e / C sum_c w_c log p_c, 0 where the class t is 1; also nll_loss, with e = 0.
Values class_losses(const Values& x, double smoothing, Reduction reduction, bool scores_are_logs) {
  double divisor = 0;
  const auto losses = losses_of_lines(x, [&](const auto& line, std::int64_t position, const Index&) {
    const auto target = static_cast<std::size_t>(class_at(position));
    if (target == 1) return 0.0;
    const auto logs = scores_are_logs ? line : log_softmax_of(line);
    divisor += class_weights[target];
    double loss = -(1 - smoothing) * class_weights[target] * logs[target];
    for (std::size_t c = 0; c < 5; ++c) loss -= smoothing / 5 * class_weights[c] * logs[c];
    return loss;
  });
  return reduced(losses, divisor, reduction);
}

/// -sum_c w_c ((1 - e) p_c + e / C) log softmax_c.
Values probability_losses(const Values& x, const Values& target, double smoothing, Reduction reduction) {
  const auto losses = losses_of_lines(x, [&](const auto& line, std::int64_t, Index at) {
    const auto logs = log_softmax_of(line);
    double loss = 0;
    for (std::size_t c = 0; c < 5; ++c, ++at[1])
      loss -= class_weights[c] * ((1 - smoothing) * target.at(at) + smoothing / 5) * logs[c];
    return loss;
  });
  return reduced(losses, static_cast<double>(losses.flat.size()), reduction);
}

void add_class_losses(std::vector<OpRow>& rows, const Variant& v) {
  const auto large = [&](std::size_t inputs) {
    return v.large.rank() == 0 ? std::vector<Shape>{} : std::vector<Shape>(inputs, v.large);
  };
  rows.push_back(
      {.op = "cross_entropy",
       .what = v.what,
       .shapes = {v.shape},
       .large = large(1),
       .f =
           [=](const Tensors& in) {
             return cross_entropy(in[0], classes_for(in[0]),
                                  {.weight = weights_for(in[0]),
                                   .ignore_index = 1,
                                   .label_smoothing = v.smoothing,
                                   .reduction = v.reduction});
           },
       .reference = [=](const auto& in) { return class_losses(in[0], v.smoothing, v.reduction, false); }});
  rows.push_back(
      {.op = "cross_entropy",
       .what = v.what + "_of_probabilities",
       .shapes = {v.shape, v.shape},
       .large = large(2),
       .f =
           [=](const Tensors& in) {
             return cross_entropy(
                 in[0], in[1],
                 {.weight = weights_for(in[0]), .label_smoothing = v.smoothing, .reduction = v.reduction});
           },
       .reference =
           [=](const auto& in) { return probability_losses(in[0], in[1], v.smoothing, v.reduction); },
       .draw = [](double each) { return std::abs(each) / 3; }});
  rows.push_back({.op = "nll_loss",
                  .what = v.what,
                  .shapes = {v.shape},
                  .large = large(1),
                  .f =
                      [=](const Tensors& in) {
                        return nll_loss(
                            in[0], classes_for(in[0]),
                            {.weight = weights_for(in[0]), .ignore_index = 1, .reduction = v.reduction});
                      },
                  .reference = [=](const auto& in) { return class_losses(in[0], 0, v.reduction, true); }});
}

}  // namespace

std::vector<OpRow> loss_rows() {
  using X = const Tensor&;
  std::vector<OpRow> rows;
  add_pairs(
      rows, "mse_loss", "", [](X x, X t, Reduction r) { return mse_loss(x, t, {.reduction = r}); },
      [](double v, double t, const Index&) { return (v - t) * (v - t); });
  add_pairs(
      rows, "l1_loss", "", [](X x, X t, Reduction r) { return l1_loss(x, t, {.reduction = r}); },
      [](double v, double t, const Index&) { return std::abs(v - t); });
  add_pairs(
      rows, "binary_cross_entropy_with_logits", "",
      [](X x, X t, Reduction r) { return binary_cross_entropy_with_logits(x, t, {.reduction = r}); },
      [](double v, double t, const Index&) { return binary_cross_entropy(v, t, 1, 1); });
  const auto weights = [](X x, const Shape& shape) {
    return Tensor::from({0.5, 1.5, 1., 0.25}, shape, {.dtype = x.dtype()});
  };
  add_pairs(
      rows, "binary_cross_entropy_with_logits", "_weighted",
      [=](X x, X t, Reduction r) {
        return binary_cross_entropy_with_logits(
            x, t, {.weight = weights(x, {4, 1, 1}), .pos_weight = weights(x, {1, 4, 1, 1}), .reduction = r});
      },
      [](double v, double t, const Index& at) {
        constexpr double each[]{0.5, 1.5, 1, 0.25};
        const double w = each[static_cast<std::size_t>(at[1])];
        return binary_cross_entropy(v, t, w, w);
      });
  for (const auto& variant : variants) add_class_losses(rows, variant);
  return rows;
}

}  // namespace evenkeel::testing
