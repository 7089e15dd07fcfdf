#include <evenkeel/autograd/mode.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/layers/keep_modes.h>
#include <evenkeel/layers/recalibrate.h>
#include <evenkeel/layers/running_norm.h>

#include <array>
#include <memory>
#include <utility>
#include <vector>

namespace evenkeel::detail {
namespace {

/// Buffers and generators of a net; puts them back unless they may change.
class Snapshot {
 public:
  explicit Snapshot(Module& net) {
    FieldVisitor visitor;
    net.fields(visitor);
    for (const auto& field : std::move(visitor).fields()) {
      if (field.buffer && field.buffer->defined()) buffers_.emplace_back(field.buffer, field.buffer->clone());
      if (field.rng) rngs_.emplace_back(field.rng, std::pair(field.rng->seed(), field.rng->position()));
    }
  }
  ~Snapshot() {
    if (accepted_) return;
    for (auto& [buffer, value] : buffers_) *buffer = std::move(value);
    for (const auto& [rng, state] : rngs_) rng->reset(state.first, state.second);
  }
  Snapshot(const Snapshot&) = delete;
  Snapshot& operator=(const Snapshot&) = delete;

  void accept() { accepted_ = true; }

 private:
  std::vector<std::pair<Array*, Array>> buffers_;
  std::vector<std::pair<Rng*, std::pair<std::uint64_t, std::uint64_t>>> rngs_;
  bool accepted_ = false;
};

/// The statistics of one layer, from batch to batch.
class Estimate {
 public:
  Estimate(RunningNorm& norm, bool pooled) : norm_(norm), pooled_(pooled), pool_(norm.pool_batches()) {}

  void end_batch() {
    if (pool_->count == pooled_values_) return;  // no element has reached the layer
    ++batches_;
    if (pooled_) {
      pooled_values_ = pool_->count;
      return;
    }
    const Moments batch = norm_.learned_from(std::exchange(*pool_, {}));
    average(mean_, batch.mean);
    average(var_, batch.var);
  }
  void write() const {
    if (batches_ == 0) return;
    const Moments all = pooled_ ? norm_.learned_from(*pool_) : Moments{mean_, var_};
    auto& running = *norm_.running;
    running.mean.assign(kernels::cast(all.mean, running.mean.dtype()));
    running.var.assign(kernels::cast(all.var, running.var.dtype()));
    if (norm_.counts_batches()) running.batches.assign(Array::from(std::array{batches_}, {}));
  }

 private:
  void average(Array& own, const Array& batch) const {
    if (!own.defined()) own = Array(batch.shape(), DType::float64);
    const auto to = own.mutable_data<double>();
    const auto values = batch.data<double>();
    for (std::size_t c = 0; c < to.size(); ++c) to[c] += (values[c] - to[c]) / static_cast<double>(batches_);
  }

  RunningNorm& norm_;
  bool pooled_;
  std::shared_ptr<Moments> pool_;
  Array mean_, var_;
  std::int64_t batches_ = 0, pooled_values_ = 0;
};

}  // namespace

void recalibrate(Layer& net, const std::function<void(const Visitor&)>& for_each,
                 RecalibrateOptions options) {
  std::vector<Estimate> estimates;
  const auto norms = running_norms(net);
  for (auto* const norm : norms)
    if (norm->has_moving_statistics() && norm->batch_statistics != BatchStatistics::never)
      estimates.emplace_back(*norm, options.pooled);
  Snapshot before(net);
  const KeepModes modes(net);
  net.train(options.others_in_training);
  for (auto* const norm : norms) norm->train();

  const NoGrad no_history;
  std::int64_t batches = 0;
  for_each([&](const Tensor& inputs) {
    net(inputs);
    for (auto& estimate : estimates) estimate.end_batch();
    ++batches;
  });
  check(batches > 0, "recalibrate: there are no batches to estimate statistics from");
  for (const auto& estimate : estimates) estimate.write();
  before.accept();
}

}  // namespace evenkeel::detail
