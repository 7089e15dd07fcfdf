#pragma once

#include <evenkeel/examples/train_fashion_mnist/history.h>

#include <chrono>

namespace fashion {

/// Tells on stdout how an epoch gets on: a bar that is redrawn where stdout is a terminal, else a plain line
/// now and then, so that logs stay short.
class ProgressBar {
 public:
  ProgressBar(std::int64_t epoch, std::int64_t epochs, std::int64_t images);
  /// After each batch; draws when it is time to.
  void update(const Mean& loss, const Mean& accuracy);
  /// Ends the bar with a line that stays.
  void finish(const Epoch& epoch);
  /// Since the bar was made.
  double seconds() const;

 private:
  using Clock = std::chrono::steady_clock;

  std::int64_t epoch_, epochs_, images_;
  bool is_terminal_;
  Clock::time_point start_ = Clock::now(), drawn_ = start_;
};

}  // namespace fashion
