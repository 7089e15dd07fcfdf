#include <evenkeel/core/check.h>
#include <evenkeel/core/parallel.h>

#include <omp.h>

#include <algorithm>
#include <atomic>
#include <exception>
#include <mutex>
#include <vector>

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

/// The pieces of a loop, shared out: a thread takes those of its own share first, the same in every loop,
/// since what it wrote in one it finds in its own cache in the next; then those that slower threads have
/// left.
class Shares {
 public:
  Shares(std::int64_t pieces, int threads) : shares_(static_cast<std::size_t>(threads)) {
    for (int i = 0; i < threads; ++i) {
      auto& share = shares_[static_cast<std::size_t>(i)];
      share.next.store(pieces * i / threads, std::memory_order::relaxed);
      share.end = pieces * (i + 1) / threads;
    }
  }
  template <class Body>
  void for_each_piece(int thread, Body body) {
    for (std::size_t i = 0; i < shares_.size(); ++i) {
      Share& share = shares_[(static_cast<std::size_t>(thread) + i) % shares_.size()];
      for (std::int64_t piece; (piece = share.next.fetch_add(1, std::memory_order::relaxed)) < share.end;)
        body(piece);
    }
  }

 private:
  struct alignas(64) Share {
    std::atomic<std::int64_t> next;
    std::int64_t end;
  };
  std::vector<Share> shares_;
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
  Shares shares(pieces, threads);
#pragma omp parallel num_threads(threads)
  {
    shares.for_each_piece(omp_get_thread_num(), [&](std::int64_t piece) {
      try {
        run(piece);
      } catch (...) {
        first.store(piece);
      }
    });
    finish_streams();
  }
  first.rethrow();
}

}  // namespace evenkeel
