#include <evenkeel/core/check.h>
#include <evenkeel/layers/norm_input.h>
#include <evenkeel/layers/running_norm.h>

#include <algorithm>
#include <sstream>

namespace evenkeel {
namespace {

const BatchNormOptions& checked(std::string_view layer, const BatchNormOptions& o) {
  check(o.num_features >= 0, layer, ": num_features must not be negative, got ", o.num_features.value);
  check_eps(layer, o.eps);
  check(o.ghost_batch_size >= 0, layer, ": ghost_batch_size must not be negative, got ", o.ghost_batch_size,
        "; 0 stands for the whole batch");
  check(o.track_running_stats || o.batch_statistics != BatchStatistics::never, layer,
        ": BatchStatistics::never needs running statistics, but track_running_stats is false");
  return o;
}

Array counted(std::int64_t batches) { return Array::from(std::array{batches}, {}); }

std::optional<RunningStatistics> statistics(const BatchNormOptions& o, Rng& rng) {
  if (!o.track_running_stats) return std::nullopt;
  const Shape shape{o.num_features};
  Array mean = o.running_mean_init(shape, o.dtype, rng);
  return RunningStatistics{std::move(mean), o.running_var_init(shape, o.dtype, rng), counted(0)};
}

}  // namespace

RunningNorm::RunningNorm(std::string_view layer, const BatchNormOptions& given, Rng& rng)
    : options(checked(layer, given)),
      track_running_stats(options.track_running_stats),
      momentum(options.momentum),
      batch_statistics(options.batch_statistics),
      weight(parameter_if(options.affine, options.gamma_init, {options.num_features}, options.dtype, rng)),
      bias(parameter_if(options.affine && options.bias, options.beta_init, {options.num_features},
                        options.dtype, rng)),
      running(statistics(options, rng)),
      name_(layer) {}

void RunningNorm::fields(FieldVisitor& f) {
  f("weight", weight);
  f("bias", bias);
  if (!running) return;
  f("running_mean", running->mean);
  f("running_var", running->var);
  f("num_batches_tracked", running->batches);
}

std::string RunningNorm::details() const {
  const auto& o = options;
  std::ostringstream text;
  text << std::boolalpha << o.num_features.value << ", eps=" << o.eps << ", momentum=" << momentum
       << ", affine=" << weight.has_value() << ", bias=" << bias.has_value()
       << ", track_running_stats=" << track_running_stats;
  if (batch_statistics != BatchStatistics::automatic)
    text << ", batch_statistics=" << (batch_statistics == BatchStatistics::always ? "always" : "never");
  if (o.running_variance == RunningVariance::biased) text << ", running_variance=biased";
  if (o.data_format == DataFormat::NHWC) text << ", data_format=NHWC";
  return text.str();
}

void RunningNorm::reset_running_stats(Rng& rng) {
  if (!running) return;
  const Shape shape{options.num_features};
  const auto dtype = running->mean.dtype();
  Array mean = options.running_mean_init(shape, dtype, rng);
  running = RunningStatistics{std::move(mean), options.running_var_init(shape, dtype, rng), counted(0)};
}

void RunningNorm::reset_parameters(Rng& rng) {
  reinitialize(weight, options.gamma_init, rng);
  reinitialize(bias, options.beta_init, rng);
  reset_running_stats(rng);
}

void RunningNorm::freeze(FreezeOptions how) {
  check(has_moving_statistics(), name_, ": freeze needs running statistics, but training moves none here");
  unfreeze();
  before_freeze_ = {batch_statistics, weight && weight->requires_grad(), bias && bias->requires_grad()};
  batch_statistics = BatchStatistics::never;
  if (!how.affine) return;
  zero_grad();  // else the next step of an optimizer would still use them
  set_requires_grad(false);
}

void RunningNorm::unfreeze() {
  if (!before_freeze_) return;
  batch_statistics = before_freeze_->batch_statistics;
  if (weight) weight->set_requires_grad(before_freeze_->weight);
  if (bias) bias->set_requires_grad(before_freeze_->bias);
  before_freeze_.reset();
}

std::shared_ptr<Moments> RunningNorm::pool_batches() {
  check(pool_.expired(), name_,
        ": its batches are pooled already, by an AccumulateStatistics that still lives");
  auto pool = std::make_shared<Moments>();
  pool_ = pool;
  return pool;
}

void RunningNorm::take_in(const Moments& batch) {
  if (const auto pool = pool_.lock())
    *pool = pool->mean.defined() ? pooled(*pool, batch) : batch;
  else
    blend(batch);
}

void RunningNorm::blend(const Moments& batch) {
  check(running.has_value(), name_, ": blend needs running statistics, but none are tracked");
  if (counts_batches()) running->count_batch();
  if (batch.count > 0 && has_moving_statistics()) running->blend(learned_from(batch), momentum);
}

void RunningNorm::check_input(const Tensor& x) const {
  const std::int64_t channels = options.num_features;
  const Shape features{channels};
  if (weight || bias || running)
    check_channels(name_, "num_features", channels, options.data_format, x.shape());
  check_affine(name_, x, weight, bias, features);
  if (!running) return;
  check_values(name_, "running_mean", running->mean, features, x);
  check_values(name_, "running_var", running->var, features, x);
  const Array& count = running->batches;
  check(count.defined() && count.dtype() == DType::int64 && count.shape() == Shape{}, name_,
        ": num_batches_tracked should be an int64 scalar, got ", count.defined() ? "" : "undefined ",
        count.dtype(), ' ', count.shape());
}

Normalization RunningNorm::by_channel(const Tensor& x) const {
  const Groups channels = groups_of_channels(x.stored());
  return {channels, channels, options.eps, true, x.stored().order()};
}

Tensor RunningNorm::normalize_by_running(const Tensor& x) const {
  const Moments moments = running->moments();
  const auto var = moments.var.data<double>();
  for (std::size_t c = 0; c < var.size(); ++c)
    check(!(var[c] < 0), name_, ": running_var must not be negative, got ", var[c], " for channel ", c,
          "; reset_running_stats() starts anew");
  Normalization how = by_channel(x);
  how.moments_of_input = false;
  return normalize(x, tensor_of(weight), tensor_of(bias), moments, how);
}

Tensor RunningNorm::of_single_values(const Tensor& x, std::string_view what) const {
  switch (options.allow_single_value) {
    case SingleValue::normalize:
      return {};
    case SingleValue::skip:
      return x;
    case SingleValue::running_statistics:
      check(running.has_value(), name_,
            ": SingleValue::running_statistics needs running statistics, but none are tracked");
      return normalize_by_running(x);
    default:
      fail_single_value(name_, what, x.shape());
  }
}

std::vector<RunningNorm*> running_norms(const Module& net) {
  std::vector<RunningNorm*> norms;
  for (const auto& [path, module] : net.named_modules())
    if (auto* const norm = dynamic_cast<RunningNorm*>(module);
        norm && std::ranges::find(norms, norm) == norms.end())
      norms.push_back(norm);
  return norms;
}

}  // namespace evenkeel
