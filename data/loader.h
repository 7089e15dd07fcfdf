#pragma once

#include <evenkeel/data/dataset.h>
#include <evenkeel/data/transforms.h>

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <vector>

namespace evenkeel::data {

struct Batch {
  Tensor inputs, targets;
  std::vector<std::int64_t> indices;  ///< of the samples in the dataset
};

struct DataLoaderOptions {
  std::int64_t batch_size = 1;
  bool shuffle = false;    ///< a new order for each epoch
  bool drop_last = false;  ///< leave out a last batch that is smaller than the others
  /// Keys the order and the transforms. Absent: drawn from default_rng() when the loader is made, if it
  /// shuffles or transforms, so that manual_seed makes a program reproducible.
  std::optional<std::uint64_t> seed = {};
  std::vector<Transform> transforms = {};  ///< of the inputs, applied in turn
  std::int64_t prefetch = 2;  ///< batches that a worker thread makes ahead; 0: no thread, made when asked for
};

/// A dataset in batches: `for (const auto& batch : DataLoader(train, {.batch_size = 128, .shuffle = true}))`.
///
/// Each begin() is one epoch, with a worker thread of its own if it prefetches. Epoch e of seed s has the
/// same batches whatever the prefetching, the threads and what ran before: order and transforms are keyed by
/// (s, e, index). Iterating several loaders, or one several times at once, is fine. An exception from the
/// dataset or a transform is thrown by the begin() or ++ that would have reached its batch; that ends the
/// epoch. Leaving the loop early stops the worker.
///
/// The loader keeps a copy of the dataset (they share their arrays), or the shared pointer that it is given.
/// A copy of a loader is the same loader: they count epochs together.
class DataLoader {
 public:
  using Options = DataLoaderOptions;
  class Iterator;

  /// Throws ArgumentError for a batch_size below 1 and a negative prefetch.
  template <std::derived_from<Dataset> D>
  explicit DataLoader(const D& dataset, const Options& options = {})
      : DataLoader(std::make_shared<const D>(dataset), options) {}
  template <std::derived_from<Dataset> D>
  explicit DataLoader(std::shared_ptr<D> dataset, const Options& options = {})
      : DataLoader(std::shared_ptr<const Dataset>(std::move(dataset)), options) {}
  explicit DataLoader(std::shared_ptr<const Dataset> dataset, const Options& options = {});

  /// Batches in an epoch.
  std::int64_t size() const;
  /// Starts an epoch.
  Iterator begin() const;
  std::default_sentinel_t end() const { return {}; }

  /// The epoch that the next begin() starts, from 0; setting it resumes an interrupted run.
  std::int64_t epoch() const;
  void set_epoch(std::int64_t epoch);

 private:
  struct Source;
  class Epoch;
  std::shared_ptr<Source> source_;
};

/// Where a loop stands. Copies of an iterator stand at the same place. A batch is valid until the next ++.
class DataLoader::Iterator {
 public:
  using value_type = Batch;
  using difference_type = std::ptrdiff_t;

  const Batch& operator*() const;
  const Batch* operator->() const { return &**this; }
  Iterator& operator++();
  void operator++(int) { ++*this; }
  bool operator==(std::default_sentinel_t) const;

 private:
  friend class DataLoader;
  explicit Iterator(std::shared_ptr<Epoch> epoch) : epoch_(std::move(epoch)) {}

  std::shared_ptr<Epoch> epoch_;
};

}  // namespace evenkeel::data
