#pragma once
/// What holds for the code of a scope, on its thread.

#include <utility>

namespace evenkeel {

/// A thread's switch, on by default; an object sets it for its scope.
template <class What>
class ThreadSwitch {
 public:
  explicit ThreadSwitch(bool value) : previous_(std::exchange(on, value)) {}
  ~ThreadSwitch() { on = previous_; }
  ThreadSwitch(const ThreadSwitch&) = delete;
  ThreadSwitch& operator=(const ThreadSwitch&) = delete;

  inline static constinit thread_local bool on = true;

 private:
  bool previous_;
};

/// Whether ops record their history.
using GradMode = ThreadSwitch<struct RecordsHistory>;
/// Whether modules may change their buffers: off, running statistics stay and an Rng is read but not
/// advanced. For gradient checks and recomputation, which run a module more often than the training does.
using BufferUpdates = ThreadSwitch<struct UpdatesBuffers>;

/// No history is recorded while it lives: evaluation needs none, and saves the memory.
struct NoGrad : GradMode {
  NoGrad() : GradMode(false) {}
};

}  // namespace evenkeel
