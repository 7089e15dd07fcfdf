#include <evenkeel/core/random.h>
#include <evenkeel/data/loader.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <mutex>
#include <numeric>
#include <thread>
#include <utility>

namespace evenkeel::data {
namespace {

constexpr std::int64_t order_of_the_epoch = -1;  // no sample has this index

/// The generator of one sample, or of the order, in one epoch.
Rng keyed(std::uint64_t seed, std::int64_t epoch, std::int64_t index) {
  constexpr std::uint64_t apart = 0x5AFE'0000'0000'0000;  // from what Rng(seed) itself draws
  const auto split = [](std::uint64_t word) {
    return std::array{static_cast<std::uint32_t>(word), static_cast<std::uint32_t>(word >> 32)};
  };
  const auto i = split(static_cast<std::uint64_t>(index)),
             e = split(static_cast<std::uint64_t>(epoch) ^ apart);
  const auto words = philox4x32({i[0], i[1], e[0], e[1]}, split(seed));
  return Rng(std::uint64_t{words[1]} << 32 | words[0]);
}

std::uint64_t drawn_seed() {
  Rng& rng = default_rng();
  return static_cast<std::uint64_t>(rng.uniform(rng.take(1)) * 0x1p53);
}

}  // namespace

struct DataLoader::Source {
  std::vector<std::int64_t> order(std::int64_t epoch) const {
    std::vector<std::int64_t> indices(static_cast<std::size_t>(dataset->size()));
    std::iota(indices.begin(), indices.end(), 0);
    if (!options.shuffle) return indices;
    const Rng rng = keyed(seed, epoch, order_of_the_epoch);
    for (std::size_t i = indices.size(); i > 1; --i)  // Fisher and Yates
      std::swap(indices[i - 1], indices[static_cast<std::size_t>(rng.uniform(i) * static_cast<double>(i))]);
    return indices;
  }
  std::int64_t batches() const {
    const auto samples = dataset->size(), size = options.batch_size;
    return samples / size + (options.drop_last || samples % size == 0 ? 0 : 1);
  }
  Batch batch(std::span<const std::int64_t> indices, std::int64_t epoch) const {
    auto [inputs, targets] = dataset->gather(indices);
    if (!options.transforms.empty()) {
      std::vector<Rng> rngs;
      for (const auto index : indices) rngs.push_back(keyed(seed, epoch, index));
      for (const Transform& transform : options.transforms) inputs = transform(std::move(inputs), rngs);
    }
    const auto rows = static_cast<std::int64_t>(indices.size());
    const auto fits = [&](const Array& a) {
      return a.defined() && a.shape().rank() > 0 && a.shape()[0] == rows;
    };
    check(fits(inputs) && fits(targets), "DataLoader: the dataset and the transforms made inputs ",
          inputs.shape(), " and targets ", targets.shape(), " of ", rows, " samples; expected [", rows,
          ", ...]");
    return {Tensor(std::move(inputs)), Tensor(std::move(targets)), {indices.begin(), indices.end()}};
  }

  std::shared_ptr<const Dataset> dataset;
  Options options;
  std::uint64_t seed = 0;
  std::atomic<std::int64_t> next_epoch = 0;
};

/// One pass over the dataset; with prefetching, a queue between the worker and the loop.
class DataLoader::Epoch {
 public:
  Epoch(std::shared_ptr<const Source> source, std::int64_t epoch)
      : source_(std::move(source)),
        epoch_(epoch),
        order_(source_->order(epoch)),
        batches_(source_->batches()) {
    if (source_->options.prefetch > 0 && batches_ > 0) worker_ = std::thread([this] { work(); });
  }
  ~Epoch() {
    if (!worker_.joinable()) return;
    {
      const std::lock_guard lock(mutex_);
      leaving_ = true;
    }
    changed_.notify_all();
    worker_.join();
  }
  Epoch(const Epoch&) = delete;
  Epoch& operator=(const Epoch&) = delete;

  const Batch& current() const { return current_; }
  bool at_end() const { return at_end_; }
  void advance() {
    at_end_ = at_end_ || taken_ == batches_;
    current_ = {};
    if (at_end_) return;
    at_end_ = true;  // unless the next batch can be had
    current_ = worker_.joinable() ? take() : made(taken_);
    ++taken_;
    at_end_ = false;
  }

 private:
  struct Result {
    Batch batch;
    std::exception_ptr error;
  };

  Batch made(std::int64_t index) const {
    const auto size = source_->options.batch_size, begin = index * size;
    const auto end = std::min(begin + size, static_cast<std::int64_t>(order_.size()));
    return source_->batch(
        std::span(order_).subspan(static_cast<std::size_t>(begin), static_cast<std::size_t>(end - begin)),
        epoch_);
  }
  void work() {
    for (std::int64_t i = 0; i < batches_; ++i) {
      {
        std::unique_lock lock(mutex_);
        const auto depth = static_cast<std::size_t>(source_->options.prefetch);
        changed_.wait(lock, [&] { return leaving_ || ready_.size() < depth; });
        if (leaving_) return;
      }
      Result result;
      try {
        result.batch = made(i);
      } catch (...) {
        result.error = std::current_exception();
      }
      const bool failed = result.error != nullptr;
      {
        const std::lock_guard lock(mutex_);
        ready_.push_back(std::move(result));
      }
      changed_.notify_all();
      if (failed) return;
    }
  }
  Batch take() {
    Result result;
    {
      std::unique_lock lock(mutex_);
      changed_.wait(lock, [&] { return !ready_.empty(); });
      result = std::move(ready_.front());
      ready_.pop_front();
    }
    changed_.notify_all();
    if (result.error) std::rethrow_exception(result.error);
    return std::move(result.batch);
  }

  const std::shared_ptr<const Source> source_;
  const std::int64_t epoch_;
  const std::vector<std::int64_t> order_;
  const std::int64_t batches_;
  std::int64_t taken_ = 0;
  bool at_end_ = false;
  Batch current_;

  std::mutex mutex_;
  std::condition_variable changed_;
  std::deque<Result> ready_;
  bool leaving_ = false;
  std::thread worker_;
};

DataLoader::DataLoader(std::shared_ptr<const Dataset> dataset, const Options& options)
    : source_(std::make_shared<Source>()) {
  check(dataset != nullptr, "DataLoader: no dataset was given");
  check(options.batch_size >= 1, "DataLoader: batch_size is ", options.batch_size, ", expected at least 1");
  check(options.prefetch >= 0, "DataLoader: prefetch is ", options.prefetch, ", expected at least 0");
  const bool random = options.shuffle || !options.transforms.empty();
  source_->dataset = std::move(dataset);
  source_->options = options;
  source_->seed = options.seed ? *options.seed : random ? drawn_seed() : 0;
}

std::int64_t DataLoader::size() const { return source_->batches(); }
std::int64_t DataLoader::epoch() const { return source_->next_epoch; }
void DataLoader::set_epoch(std::int64_t epoch) {
  check(epoch >= 0, "DataLoader: epoch is ", epoch, ", expected at least 0");
  source_->next_epoch = epoch;
}

DataLoader::Iterator DataLoader::begin() const {
  Iterator first(std::make_shared<Epoch>(source_, source_->next_epoch++));
  ++first;
  return first;
}

const Batch& DataLoader::Iterator::operator*() const { return epoch_->current(); }
DataLoader::Iterator& DataLoader::Iterator::operator++() {
  epoch_->advance();
  return *this;
}
bool DataLoader::Iterator::operator==(std::default_sentinel_t) const { return epoch_->at_end(); }

}  // namespace evenkeel::data
