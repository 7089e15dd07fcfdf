#include <evenkeel/examples/train_fashion_mnist/progress_bar.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <unistd.h>

#include <cmath>
#include <iomanip>
#include <iostream>
#include <string>
#include <string_view>

namespace fashion {
namespace {

using namespace std::chrono_literals;

constexpr int width = 24;
constexpr std::string_view clear_line = "\r\x1b[K";

}  // namespace

ProgressBar::ProgressBar(std::int64_t epoch, std::int64_t epochs, std::int64_t images)
    : epoch_(epoch), epochs_(epochs), images_(images), is_terminal_(isatty(STDOUT_FILENO) == 1) {
  if (is_terminal_) drawn_ = start_ - 1s;  // the first batch draws at once
}

double ProgressBar::seconds() const { return std::chrono::duration<double>(Clock::now() - start_).count(); }

void ProgressBar::update(const Mean& loss, const Mean& accuracy) {
  const auto now = Clock::now();
  if (now - drawn_ < (is_terminal_ ? Clock::duration(100ms) : Clock::duration(10s))) return;
  drawn_ = now;
  const double done = static_cast<double>(loss.samples()) / static_cast<double>(images_);
  const double speed = static_cast<double>(loss.samples()) / seconds();
  if (is_terminal_) {
    const auto filled = static_cast<std::size_t>(done * width);
    std::cout << clear_line << "epoch " << epoch_ << '/' << epochs_ << " [" << std::string(filled, '=')
              << std::string(width - filled, ' ') << ']';
  } else {
    std::cout << "epoch " << epoch_ << '/' << epochs_;
  }
  std::cout << std::setw(4) << static_cast<int>(100 * done) << " %  " << grouped(std::llround(speed))
            << " images/s  ETA " << clock_time(seconds() * (1 - done) / done) << "  loss "
            << fixed(loss.value(), 4) << "  accuracy " << percent(accuracy.value())
            << (is_terminal_ ? "" : "\n") << std::flush;
}

void ProgressBar::finish(const Epoch& e) {
  if (is_terminal_) std::cout << clear_line;
  std::cout << "epoch " << epoch_ << '/' << epochs_ << ": loss " << fixed(e.train_loss, 4) << ", accuracy "
            << percent(e.train_accuracy) << "; test loss " << fixed(e.test_loss, 4) << ", test accuracy "
            << percent(e.test_accuracy) << "; " << clock_time(e.seconds) << " at "
            << grouped(std::llround(e.images_per_second)) << " images/s" << std::endl;
}

}  // namespace fashion
