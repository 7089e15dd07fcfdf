#pragma once

#include <cstdint>
#include <filesystem>
#include <vector>

namespace fashion {

/// A mean over samples.
class Mean {
 public:
  void add(double mean, std::int64_t samples) {
    sum_ += mean * static_cast<double>(samples);
    samples_ += samples;
  }
  double value() const { return samples_ > 0 ? sum_ / static_cast<double>(samples_) : 0; }
  std::int64_t samples() const { return samples_; }

 private:
  double sum_ = 0;
  std::int64_t samples_ = 0;
};

/// What one epoch came to. The training figures are means over its batches, as they were met.
struct Epoch {
  std::int64_t number = 0;  ///< from 1
  double learning_rate = 0, train_loss = 0, train_accuracy = 0, test_loss = 0, test_accuracy = 0;
  double seconds = 0, images_per_second = 0;  ///< of its training
};

/// A stretch of training, for the curves.
struct Stretch {
  double end = 0;  ///< in epochs
  double learning_rate = 0, loss = 0, accuracy = 0;
};

struct History {
  std::vector<Epoch> epochs;
  std::vector<Stretch> stretches;
};

/// One row an epoch. Numbers are written so that they read back as the same; only the columns `seconds` and
/// `images_per_second` differ from run to run.
void write_metrics(const std::filesystem::path& path, const History& history);

}  // namespace fashion
