#pragma once

#include <csignal>

namespace fashion {

/// Whether Ctrl-C was pressed since `watch`. A second Ctrl-C ends the program at once.
class Interrupt {
 public:
  static void watch() {
    struct sigaction action {};
    action.sa_handler = [](int) { pressed_ = 1; };
    action.sa_flags = static_cast<int>(SA_RESETHAND);
    sigaction(SIGINT, &action, nullptr);
  }
  static bool pressed() { return pressed_ != 0; }

 private:
  inline static volatile std::sig_atomic_t pressed_ = 0;
};

}  // namespace fashion
