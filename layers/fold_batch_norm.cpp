#include <evenkeel/core/check.h>
#include <evenkeel/layers/fold_batch_norm.h>

#include <cmath>

namespace evenkeel {
namespace {

std::vector<double> values_of(const std::optional<Parameter>& parameter, std::size_t channels,
                              double absent) {
  return parameter ? parameter->to_vector() : std::vector<double>(channels, absent);
}

/// Evaluation of a BatchNorm, as y * scale + shift where y - mean is what it scales.
struct Affine {
  std::vector<double> scale, mean, shift;
};

Affine affine_of(const BatchNorm& bn, const Layer& layer, std::int64_t channels) {
  const auto features = bn.options.num_features.value;
  check(features == channels, "fold_batch_norm: ", layer.type_name(), " gives ", channels, " channels, but ",
        bn.type_name(), " has num_features ", features);
  check(bn.running && bn.batch_statistics != BatchStatistics::always, "fold_batch_norm: ", bn.type_name(),
        bn.running ? " normalizes by the batch in evaluation too (BatchStatistics::always)"
                   : " has no running statistics");
  const Moments running = bn.running->moments();
  const auto mean = running.mean.data<double>(), var = running.var.data<double>();
  const auto count = static_cast<std::size_t>(channels);
  Affine affine{values_of(bn.weight, count, 1), {mean.begin(), mean.end()}, values_of(bn.bias, count, 0)};
  for (std::size_t c = 0; c < count; ++c) {
    check(!(var[c] < 0), "fold_batch_norm: running_var must not be negative, got ", var[c], " for channel ",
          c);
    affine.scale[c] /= std::sqrt(var[c] + bn.options.eps);
  }
  return affine;
}

/// Writes the parameters of `folded`, which has a bias, from those of `layer`.
template <class L>
L fold(L folded, const L& layer, const Affine& affine) {
  auto weight = layer.weight.to_vector();
  auto bias = values_of(layer.bias, affine.scale.size(), 0);
  const auto fan_in = affine.scale.empty() ? 0 : weight.size() / affine.scale.size();
  for (std::size_t i = 0; i < weight.size(); ++i) weight[i] *= affine.scale[i / fan_in];
  for (std::size_t c = 0; c < bias.size(); ++c)
    bias[c] = (bias[c] - affine.mean[c]) * affine.scale[c] + affine.shift[c];
  folded.weight.mutable_value().assign(Array::from(weight, folded.weight.shape(), folded.weight.dtype()));
  folded.bias->mutable_value().assign(Array::from(bias, folded.bias->shape(), folded.bias->dtype()));
  folded.train(layer.is_training());
  return folded;
}

/// The options of a layer for one with a bias, whose first values draw no random numbers.
template <class L>
auto options_for(const L& layer) {
  auto options = layer.options;
  options.bias = true;
  options.weight_init = init::zeros();
  options.bias_init = init::zeros();
  options.dtype = layer.weight.dtype();
  return options;
}

}  // namespace

Conv2d fold_batch_norm(const Conv2d& conv, const BatchNorm2d& bn) {
  const auto format = conv.options.data_format;
  check(format == bn.options.data_format, "fold_batch_norm: Conv2d has data_format ", format,
        ", but BatchNorm2d ", bn.options.data_format);
  return fold(Conv2d(options_for(conv)), conv, affine_of(bn, conv, conv.options.out_channels));
}

Linear fold_batch_norm(const Linear& linear, const BatchNorm1d& bn) {
  return fold(Linear(options_for(linear)), linear, affine_of(bn, linear, linear.options.out_features));
}

}  // namespace evenkeel
