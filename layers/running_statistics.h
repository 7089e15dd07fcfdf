#pragma once

#include <evenkeel/core/array.h>
#include <evenkeel/core/moments.h>

#include <cstdint>
#include <iosfwd>

namespace evenkeel {

/// How a running statistic moves towards that of a batch: running = old weight * running + new weight *
/// batch. PyTorch's momentum is the weight of the new batch, MindSpore's that of the old value, so a bare
/// number does not convert.
class Momentum {
 public:
  /// Weighs the new batch, 0.1 by default in PyTorch. Throws ArgumentError unless it is finite.
  static Momentum torch(double of_new);
  /// Weighs the old value, 0.9 by default in MindSpore. Throws ArgumentError outside [0, 1].
  static Momentum mindspore(double of_old);
  /// The average over all batches so far, each with the same weight; PyTorch's momentum=None.
  static Momentum cumulative() { return {0, 0, true}; }

  bool is_cumulative() const { return is_cumulative_; }
  /// The weights for the batch that is number `batches`, counted from 1.
  double of_new(std::int64_t batches) const;
  double of_old(std::int64_t batches) const;

  bool operator==(const Momentum&) const = default;
  /// As "0.1", the weight of the new batch, or "cumulative".
  friend std::ostream& operator<<(std::ostream& os, Momentum momentum);

 private:
  Momentum(double of_new, double of_old, bool is_cumulative)
      : of_new_(of_new), of_old_(of_old), is_cumulative_(is_cumulative) {}

  double of_new_, of_old_;
  bool is_cumulative_;
};

/// Which variance of a batch the running one takes in. A batch itself is always normalized by the biased one.
enum class RunningVariance : std::uint8_t {
  unbiased,  ///< divided by n - 1: PyTorch, MindSpore (on a CPU since 2.5); 0 for a single value
  biased,    ///< divided by n: MindSpore on a CPU up to 2.4, ONNX, Keras
};

/// Whether a layer normalizes by the statistics of its batch.
enum class BatchStatistics : std::uint8_t {
  automatic,  ///< in training, or where it has no running ones (MindSpore's use_batch_statistics=None)
  always,     ///< in evaluation too, and they move the running ones there as well (MindSpore's True)
  never,      ///< by the running ones, in training too, where they stay as they are (MindSpore's False)
};

/// What training does where a group holds a single value, whose variance says nothing.
class SingleValue {
 public:
  enum Policy : std::uint8_t {
    error,               ///< refuses the batch, as PyTorch
    normalize,           ///< gives beta, as MindSpore; a variance of 0 moves the running one
    running_statistics,  ///< normalizes by the running statistics and leaves them
    skip,                ///< gives the input as it is, and leaves the running statistics
  };
  explicit(false) constexpr SingleValue(Policy policy) : policy_(policy) {}
  /// false is `error`, true is `normalize`.
  explicit(false) constexpr SingleValue(bool allowed) : policy_(allowed ? normalize : error) {}
  explicit(false) constexpr operator Policy() const { return policy_; }

 private:
  Policy policy_;
};

/// What evaluation normalizes by: buffers of a layer. As arrays they are plain values that a program may read
/// and write.
struct RunningStatistics {
  Array mean, var;  ///< [num_features]
  Array batches;    ///< int64 scalar: how many batches there were ("num_batches_tracked")

  std::int64_t count() const { return batches.data<std::int64_t>()[0]; }
  /// As moments for normalize(); copies, which a later batch does not change.
  Moments moments() const;
  void count_batch() { ++batches.mutable_data<std::int64_t>()[0]; }
  /// Moves both towards these moments, taken as they are; a cumulative momentum takes them for those of the
  /// batch number count().
  void blend(const Moments& batch, Momentum momentum);
};

/// What running statistics take in of a batch: its moments, with the variances of the given kind.
Moments taken_in(const Moments& batch, RunningVariance kind);

}  // namespace evenkeel
