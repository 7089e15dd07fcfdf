#include <evenkeel/autograd/mode.h>
#include <evenkeel/core/kernels/normalize.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/group_norm.h>
#include <evenkeel/layers/instance_norm.h>
#include <evenkeel/layers/keep_modes.h>
#include <evenkeel/layers/layer_norm.h>
#include <evenkeel/layers/norm_findings.h>
#include <evenkeel/layers/norm_input.h>
#include <evenkeel/layers/text_table.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <memory>
#include <ostream>
#include <sstream>

namespace evenkeel {
namespace {

/// The moments of x by a partition of [N, C, ...].
template <class F>
Moments moments_of(DataFormat format, const Tensor& x, F groups_of) {
  Moments moments;
  in_channels_first(format, x, [&](const Tensor& t) {
    moments = kernels::moments(t.stored(), groups_of(t.stored()));
    return t;
  });
  return moments;
}

/// Element by element the worse of both, NaN being the worst.
void keep_worse(std::vector<double>& own, const std::vector<double>& other, bool larger_is_worse) {
  if (own.empty()) own = other;
  for (std::size_t i = 0; i < std::min(own.size(), other.size()); ++i)
    if (std::isnan(other[i]) || (larger_is_worse ? other[i] > own[i] : other[i] < own[i])) own[i] = other[i];
}

std::vector<double> in_eps(const Moments& moments, double eps) {
  std::vector<double> variances;
  for (const double var : moments.var.data<double>())
    variances.push_back(eps > 0 ? var / eps + 0.0 : std::numeric_limits<double>::infinity());  // no -0
  return variances;
}

/// Measures one normalization layer while the net runs.
class Watched {
 public:
  Watched(std::string path, Layer& layer)
      : path_(std::move(path)),
        layer_(layer),
        norm_(dynamic_cast<RunningNorm*>(&layer)),
        group_(dynamic_cast<GroupNorm*>(&layer)),
        layer_norm_(dynamic_cast<LayerNorm*>(&layer)) {}

  bool is_norm() const { return norm_ || group_ || layer_norm_; }

  void train() {
    if (norm_) norm_->train();
  }

  /// A call in the first run, in training, and in the second.
  void in_training(const Tensor& x, const Tensor& y) {
    if (norm_)
      see_running_norm(x);
    else if (group_)
      see_groups(moments_of(group_->options.data_format, x,
                            [&](const Array& a) { return groups_of_samples(a, group_->options.num_groups); }),
                 group_->options.eps);
    else
      see_groups(moments_of_layer_norm(x), layer_norm_->options.eps);
    outputs_.push_back(y);
  }
  void in_evaluation(const Tensor& y) {
    if (next_ < outputs_.size()) see_difference(outputs_[next_++], y);
  }

  NormRow row(const NormThresholds& thresholds) {
    const auto& weight = norm_ ? norm_->weight : group_ ? group_->weight : layer_norm_->weight;
    if (weight)
      for (const double gamma : weight->to_vector()) measures_.gamma.push_back(std::abs(gamma));
    return judge(path_, layer_, moving(), measures_, thresholds);
  }

 private:
  const RunningNorm* moving() const { return norm_ && norm_->has_moving_statistics() ? norm_ : nullptr; }

  Moments moments_of_layer_norm(const Tensor& x) const {
    const auto& o = layer_norm_->options;
    const auto rank = static_cast<std::int64_t>(x.shape().rank());
    const auto begin =
        o.begin_norm_axis.value_or(rank - static_cast<std::int64_t>(o.normalized_shape.value.rank()));
    const auto size = x.shape().count(static_cast<std::size_t>(begin < 0 ? begin + rank : begin));
    return kernels::moments(row_major(x.stored()), {1, size > 0 ? x.size() / size : 0, size});
  }

  void see_groups(const Moments& moments, double eps) {
    keep_worse(measures_.variance, in_eps(moments, eps), false);
    fewest(moments.count);
  }

  void see_running_norm(const Tensor& x) {
    const auto& o = norm_->options;
    const auto* const instance = dynamic_cast<const InstanceNorm*>(norm_);
    const bool batched = !instance || x.shape().rank() == instance->rank();
    const Tensor images = batched ? x : unsqueeze(x, 0);
    const Moments channels = moments_of(o.data_format, images, groups_of_channels);
    measures_.pools_samples = !instance;
    if (norm_->running) compare(channels, *norm_->running);
    if (norm_->batch_statistics == BatchStatistics::never)
      see_groups({channels.mean, norm_->running->moments().var, channels.count}, o.eps);
    else if (instance)
      see_groups(moments_of(o.data_format, images,
                            [](const Array& a) { return groups_of_samples(a, a.shape()[1]); }),
                 o.eps);
    else
      see_groups({channels.mean, channels.var, smallest_ghost(images.shape()[0], channels.count)}, o.eps);
  }

  /// How many values share a mean, where `samples` have so many.
  std::int64_t smallest_ghost(std::int64_t samples, std::int64_t values) const {
    const auto size = norm_->options.ghost_batch_size;
    if (size == 0 || samples <= size) return values;
    return values / samples * (samples % size == 0 ? size : samples % size);
  }

  void compare(const Moments& batch, const RunningStatistics& running) {
    if (!moving()) return;
    const Moments own = running.moments();
    const auto mean = batch.mean.data<double>(), var = batch.var.data<double>();
    const auto own_mean = own.mean.data<double>(), own_var = own.var.data<double>();
    std::vector<double> drift, ratio;
    for (std::size_t c = 0; c < mean.size(); ++c) {
      const double a = var[c] + norm_->options.eps, b = own_var[c] + norm_->options.eps;
      drift.push_back(std::abs(mean[c] - own_mean[c]) / std::sqrt(b));
      ratio.push_back(a > b ? a / b : b / a);
    }
    keep_worse(measures_.mean_drift, drift, true);
    keep_worse(measures_.variance_ratio, ratio, true);
  }

  void see_difference(const Tensor& in_training, const Tensor& in_evaluation) {
    const auto a = in_training.to_vector(), b = in_evaluation.to_vector();
    const Moments spread = kernels::moments(row_major(in_training.stored()), {});
    double squares = 0;
    for (std::size_t i = 0; i < std::min(a.size(), b.size()); ++i) squares += (a[i] - b[i]) * (a[i] - b[i]);
    const double difference = std::sqrt(squares / static_cast<double>(a.size()));
    const double deviation = std::sqrt(spread.var.data<double>()[0]);
    // Kept of all calls: the largest quotient, compared without dividing by 0.
    if (next_ > 1 && !(difference * measures_.deviation > measures_.difference * deviation)) return;
    measures_.difference = difference;
    measures_.deviation = deviation;
  }

  void fewest(std::int64_t values) {
    measures_.values = measures_.values == 0 ? values : std::min(measures_.values, values);
  }

  std::string path_;
  Layer& layer_;
  RunningNorm* norm_;
  GroupNorm* group_;
  LayerNorm* layer_norm_;
  NormMeasures measures_;
  std::vector<Tensor> outputs_;
  std::size_t next_ = 0;
};

/// Hooks on all normalization layers of a net, for a scope.
class NormWatch {
 public:
  explicit NormWatch(Module& net) {
    for (const auto& [path, module] : net.named_modules()) {
      auto* const layer = dynamic_cast<Layer*>(module);
      if (!layer || !Watched(path, *layer).is_norm()) continue;
      auto& watched = *norms_.emplace_back(std::make_unique<Watched>(path, *layer));
      hooks_.push_back(
          layer->register_forward_hook([this, &watched](Layer&, const Tensor& x, const Tensor& y) {
            if (training)
              watched.in_training(x, y);
            else
              watched.in_evaluation(y);
          }));
    }
  }
  ~NormWatch() {
    for (auto& hook : hooks_) hook.remove();
  }
  NormWatch(const NormWatch&) = delete;
  NormWatch& operator=(const NormWatch&) = delete;

  const std::vector<std::unique_ptr<Watched>>& norms() const { return norms_; }

  bool training = true;

 private:
  std::vector<std::unique_ptr<Watched>> norms_;
  std::vector<HookHandle> hooks_;
};

}  // namespace

NormReport norm_report(Layer& net, const Tensor& batch, const NormThresholds& thresholds) {
  check(batch.size() > 0, "norm_report: the batch has no elements, shape ", batch.shape());
  const NoGrad no_history;
  const BufferUpdates frozen(false);
  const KeepModes modes(net);
  NormWatch watch(net);
  net.eval();
  for (const auto& norm : watch.norms()) norm->train();
  net(batch);
  net.eval();
  watch.training = false;
  net(batch);
  NormReport report;
  for (const auto& norm : watch.norms()) report.rows.push_back(norm->row(thresholds));
  return report;
}

}  // namespace evenkeel
