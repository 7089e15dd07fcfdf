#include <evenkeel/core/check.h>
#include <evenkeel/core/parallel.h>

#include <omp.h>

#include <atomic>
#include <exception>
#include <mutex>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

namespace evenkeel {
namespace {

std::atomic<int> chosen_threads = 0;  // 0: all cores

/// Keeps the exception of the earliest piece, so that which one the caller sees does not depend on timing.
class FirstException {
 public:
  void store(std::int64_t piece) {
    const std::lock_guard lock(mutex_);
    if (exception_ && piece >= piece_) return;
    exception_ = std::current_exception();
    piece_ = piece;
  }
  void rethrow() const {
    if (exception_) std::rethrow_exception(exception_);
  }

 private:
  std::mutex mutex_;
  std::exception_ptr exception_;
  std::int64_t piece_ = 0;
};

/// What this thread wrote past the caches comes before what it writes from now on, for every other thread.
void finish_streams() {
#if defined(__SSE__)
  _mm_sfence();
#endif
}

}  // namespace

void set_num_threads(int threads) {
  check(threads >= 0, "set_num_threads: expected at least 0 (all cores), got ", threads);
  chosen_threads = threads;
}

int num_threads() {
  static const int cores = omp_get_num_procs();
  const int chosen = chosen_threads.load(std::memory_order::relaxed);
  return chosen > 0 ? chosen : cores;
}

void parallel_for(std::int64_t n, std::int64_t grain, FunctionRef<void(std::int64_t, std::int64_t)> body) {
  const auto pieces = ceil_div(n, grain);
  const auto run = [&](std::int64_t piece) { body(piece * grain, std::min(n, (piece + 1) * grain)); };
  const int threads = static_cast<int>(std::min<std::int64_t>(num_threads(), pieces));
  if (threads <= 1) {
    for (std::int64_t piece = 0; piece < pieces; ++piece) run(piece);
    finish_streams();
    return;
  }
  FirstException first;
  // Static: what a thread wrote in one loop it finds in its own cache in the next.
#pragma omp parallel num_threads(threads)
  {
#pragma omp for schedule(static) nowait
    for (std::int64_t piece = 0; piece < pieces; ++piece) {
      try {
        run(piece);
      } catch (...) {
        first.store(piece);
      }
    }
    finish_streams();
  }
  first.rethrow();
}

}  // namespace evenkeel
