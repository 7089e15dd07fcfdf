#include <evenkeel/core/random.h>
#include <evenkeel/data/loader.h>
#include <evenkeel/tests/support/expect_error.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <ranges>
#include <set>
#include <thread>

namespace evenkeel::data {
namespace {

using testing::expect_error;
using Indices = std::vector<std::int64_t>;

static_assert(std::ranges::input_range<DataLoader>);
static_assert(std::ranges::input_range<const DataLoader>);

/// Sample i is an image [1, 4, 4] that counts from 16 i; its class is i.
TensorDataset counting(std::int64_t samples) {
  std::vector<float> values(static_cast<std::size_t>(samples) * 16);
  std::iota(values.begin(), values.end(), 0.f);
  Indices classes(static_cast<std::size_t>(samples));
  std::iota(classes.begin(), classes.end(), 0);
  return TensorDataset({Tensor::from(values, {samples, 1, 4, 4}), Tensor::from(classes, {samples})});
}

/// What a loop over the loader sees, batch by batch.
std::vector<Indices> epoch_of(const DataLoader& loader) {
  std::vector<Indices> seen;
  for (const auto& batch : loader) seen.push_back(batch.targets.to_vector<std::int64_t>());
  return seen;
}
std::vector<float> values_of(const DataLoader& loader) {
  std::vector<float> seen;
  for (const auto& batch : loader)
    std::ranges::copy(batch.inputs.to_vector<float>(), std::back_inserter(seen));
  return seen;
}

/// Throws at one sample, and counts what is asked of it.
class Fragile final : public Dataset {
 public:
  Fragile(std::int64_t size, std::int64_t broken) : size_(size), broken_(broken) {}
  std::int64_t size() const override { return size_; }
  Examples gather(std::span<const std::int64_t> indices) const override {
    ++*asked;
    check<FileError>(std::ranges::find(indices, broken_) == indices.end(), "Fragile: sample ", broken_);
    const Array rows = Array::from(indices, {static_cast<std::int64_t>(indices.size())});
    return {rows, rows.clone()};
  }

  std::shared_ptr<std::atomic<int>> asked = std::make_shared<std::atomic<int>>(0);

 private:
  std::int64_t size_, broken_;
};

TEST(Loader, KeepsTheOrderUnlessAsked) {
  EXPECT_EQ(epoch_of(DataLoader(counting(5), {.batch_size = 2})),
            (std::vector<Indices>{{0, 1}, {2, 3}, {4}}));
  EXPECT_EQ(epoch_of(DataLoader(counting(2))), (std::vector<Indices>{{0}, {1}}));
}

TEST(Loader, BatchesCarryInputsTargetsAndIndices) {
  const DataLoader loader(counting(5), {.batch_size = 2, .shuffle = true, .seed = 1});
  for (const auto& batch : loader) {
    const auto n = static_cast<std::int64_t>(batch.indices.size());
    ASSERT_EQ(batch.inputs.shape(), Shape({n, 1, 4, 4}));
    EXPECT_EQ(batch.targets.to_vector<std::int64_t>(), batch.indices);
    for (std::int64_t i = 0; i < n; ++i)
      EXPECT_EQ(batch.inputs.at<float>({i, 0, 0, 0}),
                16.f * static_cast<float>(batch.indices[static_cast<std::size_t>(i)]));
    EXPECT_FALSE(batch.inputs.requires_grad());
  }
}

TEST(Loader, DropsTheSmallLastBatchWhenAsked) {
  const DataLoader all(counting(5), {.batch_size = 2}),
      whole(counting(5), {.batch_size = 2, .drop_last = true});
  EXPECT_EQ(all.size(), 3);
  EXPECT_EQ(whole.size(), 2);
  EXPECT_EQ(epoch_of(whole), (std::vector<Indices>{{0, 1}, {2, 3}}));
  EXPECT_EQ(DataLoader(counting(4), {.batch_size = 2}).size(), 2);
  EXPECT_EQ(epoch_of(DataLoader(counting(3), {.batch_size = 4, .drop_last = true})), std::vector<Indices>{});
}

TEST(Loader, AnEmptyDatasetHasNoBatches) {
  const DataLoader loader(counting(0), {.batch_size = 2, .shuffle = true});
  EXPECT_EQ(loader.size(), 0);
  EXPECT_TRUE(epoch_of(loader).empty());
}

TEST(Loader, ShufflesEverySampleIntoEachEpochOnce) {
  const DataLoader loader(counting(100), {.batch_size = 7, .shuffle = true, .seed = 3});
  std::set<std::vector<Indices>> orders;
  for (int epoch = 0; epoch < 3; ++epoch) {
    const auto batches = epoch_of(loader);
    orders.insert(batches);
    std::set<std::int64_t> samples;
    for (const auto& batch : batches) samples.insert(batch.begin(), batch.end());
    EXPECT_EQ(samples.size(), 100u);
  }
  EXPECT_EQ(orders.size(), 3u);
}

TEST(Loader, ShufflesEvenly) {
  const DataLoader loader(counting(4), {.batch_size = 4, .shuffle = true, .seed = 0, .prefetch = 0});
  std::vector<std::vector<int>> times(4, std::vector<int>(4));
  for (int epoch = 0; epoch < 2000; ++epoch) {
    const Indices order = epoch_of(loader)[0];
    for (std::size_t place = 0; place < 4; ++place) ++times[place][static_cast<std::size_t>(order[place])];
  }
  for (const auto& place : times)
    for (const int count : place) EXPECT_NEAR(count, 500, 100);  // five sigmas
}

TEST(Loader, PrefetchingNeverShows) {
  const auto run = [](std::int64_t prefetch) {
    const DataLoader loader(counting(50),
                            {.batch_size = 8,
                             .shuffle = true,
                             .seed = 5,
                             .transforms = {random_crop({.size = 4, .padding = 2}), random_horizontal_flip()},
                             .prefetch = prefetch});
    auto values = values_of(loader);
    std::ranges::copy(values_of(loader), std::back_inserter(values));
    return values;
  };
  const auto expected = run(0);
  for (const std::int64_t prefetch : {1, 2, 3, 100}) EXPECT_EQ(run(prefetch), expected);
}

TEST(Loader, ASampleIsTransformedAlikeInAnyBatch) {
  const auto run = [](std::int64_t batch_size) {
    return values_of(DataLoader(
        counting(20),
        {.batch_size = batch_size, .seed = 5, .transforms = {random_crop({.size = 4, .padding = 2})}}));
  };
  EXPECT_EQ(run(1), run(7));
  const auto plain = values_of(DataLoader(counting(20)));
  EXPECT_NE(run(1), plain);
}

TEST(Loader, EpochsAreTransformedDifferently) {
  const DataLoader loader(counting(20), {.seed = 5, .transforms = {random_horizontal_flip()}});
  EXPECT_NE(values_of(loader), values_of(loader));
}

TEST(Loader, ResumesAtAnEpoch) {
  const DataLoaderOptions options{.batch_size = 8, .shuffle = true, .seed = 9};
  const DataLoader first(counting(30), options);
  epoch_of(first);
  epoch_of(first);
  EXPECT_EQ(first.epoch(), 2);
  DataLoader second(counting(30), options);
  second.set_epoch(2);
  EXPECT_EQ(epoch_of(second), epoch_of(first));
}

TEST(Loader, ManualSeedMakesItReproducible) {
  const auto order = [](std::uint64_t seed) {
    manual_seed(seed);
    return epoch_of(DataLoader(counting(30), {.batch_size = 30, .shuffle = true}));
  };
  EXPECT_EQ(order(1), order(1));
  EXPECT_NE(order(1), order(2));
}

TEST(Loader, DrawsASeedOnlyWhereOneIsNeeded) {
  manual_seed(0);
  const DataLoader plain(counting(3)), seeded(counting(3), {.shuffle = true, .seed = 1});
  EXPECT_EQ(default_rng().position(), 0u);
  const DataLoader shuffled(counting(3), {.shuffle = true});
  EXPECT_EQ(default_rng().position(), 1u);
}

TEST(Loader, AnErrorReachesTheLoopAtItsBatch) {
  for (const std::int64_t prefetch : {0, 1, 4}) {
    const DataLoader loader(Fragile(20, 7), {.batch_size = 2, .prefetch = prefetch});
    int batches = 0;
    expect_error<FileError>(
        [&] {
          for ([[maybe_unused]] const auto& batch : loader) ++batches;
        },
        "Fragile: sample 7");
    EXPECT_EQ(batches, 3);
    expect_error<FileError>([&] { epoch_of(loader); },
                            "Fragile: sample 7");  // and the loader can be used again
    expect_error<FileError>([&] { epoch_of(DataLoader(Fragile(20, 0), {.prefetch = prefetch})); },
                            "sample 0");
  }
}

TEST(Loader, AnErrorEndsTheEpoch) {
  const DataLoader loader(Fragile(4, 1));
  auto at = loader.begin();
  EXPECT_THROW(++at, FileError);
  EXPECT_TRUE(at == loader.end());
  ++at;
  EXPECT_TRUE(at == loader.end());
}

TEST(Loader, LeavingEarlyStopsTheWorker) {
  const Fragile dataset(1'000'000, -1);
  for (const std::int64_t prefetch : {1, 3}) {
    *dataset.asked = 0;
    for ([[maybe_unused]] const auto& batch : DataLoader(dataset, {.prefetch = prefetch})) break;
    const int asked = *dataset.asked;
    EXPECT_LE(asked, prefetch + 1);
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
    EXPECT_EQ(*dataset.asked, asked);
  }
  try {
    for ([[maybe_unused]] const auto& batch : DataLoader(dataset)) throw 1;
  } catch (int) {
  }
  { [[maybe_unused]] const auto unused = DataLoader(dataset).begin(); }
}

TEST(Loader, ReadsAheadNoFurtherThanAsked) {
  const Fragile dataset(100, -1);
  const DataLoader loader(dataset, {.prefetch = 3});
  const auto at = loader.begin();
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  while (*dataset.asked < 4 && std::chrono::steady_clock::now() < until) std::this_thread::yield();
  std::this_thread::sleep_for(std::chrono::milliseconds(5));
  EXPECT_EQ(*dataset.asked, 4);  // the one in hand and three more
}

TEST(Loader, SeveralLoopsRunAtOnce) {
  const DataLoader one(counting(40), {.batch_size = 8, .shuffle = true, .seed = 1}),
      two(counting(40), {.batch_size = 8});
  auto a = one.begin(), b = one.begin();  // two epochs of one loader
  auto c = two.begin();
  int steps = 0;
  for (; a != one.end(); ++a, ++b, ++c, ++steps) EXPECT_NE((*a).indices, (*b).indices);
  EXPECT_EQ(steps, 5);
  EXPECT_TRUE(b == one.end() && c == two.end());
}

TEST(Loader, ManyThreadsLoopOverOneLoader) {
  const DataLoader loader(counting(40), {.batch_size = 8, .shuffle = true, .seed = 1});
  std::vector<std::int64_t> sums(4);
  std::vector<std::thread> threads;
  for (auto& sum : sums)
    threads.emplace_back([&] {
      for (const auto& batch : loader)
        for (const auto index : batch.indices) sum += index;
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(sums, Indices(4, 40 * 39 / 2));
  EXPECT_EQ(loader.epoch(), 4);
}

TEST(Loader, OutlivesItsDatasetAndIsOutlivedByItsIterators) {
  auto loader = std::make_unique<DataLoader>(counting(6), DataLoaderOptions{.batch_size = 2});
  auto at = loader->begin();
  loader.reset();
  ++at;
  EXPECT_EQ((*at).indices, (Indices{2, 3}));
  EXPECT_EQ(at->targets.to_vector<std::int64_t>(), (Indices{2, 3}));
}

TEST(Loader, TakesDatasetsByPointer) {
  const std::shared_ptr<const Dataset> base = std::make_shared<Fragile>(3, -1);
  const auto derived = std::make_shared<Fragile>(3, -1);
  EXPECT_EQ(epoch_of(DataLoader(base)).size(), 3u);
  EXPECT_EQ(epoch_of(DataLoader(derived)).size(), 3u);
  EXPECT_EQ(*derived->asked, 3);
}

TEST(Loader, RefusesWhatItCannotDo) {
  expect_error<ArgumentError>([] { DataLoader(counting(1), {.batch_size = 0}); },
                              "DataLoader: batch_size is 0, expected at least 1");
  expect_error<ArgumentError>([] { DataLoader(counting(1), {.prefetch = -1}); },
                              "DataLoader: prefetch is -1");
  expect_error<ArgumentError>([] { DataLoader(std::shared_ptr<const Dataset>()); }, "DataLoader: no dataset");
  expect_error<ArgumentError>([] { DataLoader(counting(1)).set_epoch(-1); }, "DataLoader: epoch is -1");
  const Transform shrinks = [](const Array&, std::span<Rng>) { return Array({1, 2}, DType::float32); };
  expect_error<ArgumentError>(
      [&] { epoch_of(DataLoader(counting(4), {.batch_size = 4, .transforms = {shrinks}})); },
      "made inputs [1, 2] and targets [4] of 4 samples; expected [4, ...]");
}

TEST(TensorDataset, RefusesWhatDoesNotFit) {
  const Tensor x = Tensor::from({1.f, 2.f}, {2}), y = Tensor::from({1.f}, {1}),
               scalar = Tensor::from({1.f}, {});
  expect_error<ArgumentError>(
      [&] {
        TensorDataset({x, y});
      },
      "TensorDataset: inputs [2] and targets [1] do not agree");
  expect_error<ArgumentError>(
      [&] {
        TensorDataset({scalar, scalar});
      },
      "TensorDataset: inputs [] and targets []");
  expect_error<ArgumentError>([&] { TensorDataset({.inputs = x}); },
                              "TensorDataset: expected inputs and targets, got no targets");
  expect_error<ArgumentError>(
      [&] {
        TensorDataset({x, x}).gather(Indices{2});
      },
      "TensorDataset: index 2 is outside [0, 2)");
}

}  // namespace
}  // namespace evenkeel::data
