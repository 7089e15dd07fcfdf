#pragma once
/// One side of the comparison, as a program that compare.py asks for turns. It reads lines and answers each
/// by one:
///
///     threads N            ok
///     load FOLDER SPEC...  ok          the row; ours writes FOLDER/inputs.safetensors, others read it
///     check FILE           ok          one step, whose results go to the file
///     time N               ok S S ...  the seconds of N steps
///     memory               ok BYTES    the largest resident size so far
///
/// An error is answered by `error` and its message.

#include <evenkeel/core/state.h>

#include <filesystem>
#include <functional>
#include <map>
#include <string>

namespace evenkeel::benchmarks {

/// What a row asks for, in words such as `op=batch_norm shape=64,512`.
class Spec {
 public:
  explicit Spec(const std::string& words);

  bool has(const std::string& key) const { return words_.contains(key); }
  /// Throws ArgumentError where the key is missing; so do the two below without `otherwise`.
  std::string text(const std::string& key) const;
  std::string text(const std::string& key, const std::string& otherwise) const;
  std::int64_t number(const std::string& key) const;
  std::int64_t number(const std::string& key, std::int64_t otherwise) const;
  Shape shape(const std::string& key) const;

 private:
  std::map<std::string, std::string> words_;
};

struct Row {
  /// One step, as it is timed: forward and backward, or a step of training.
  std::function<void()> step;
  /// A step, and what came of it: values, gradients, parameters and buffers.
  std::function<State()> results;
};

struct Side {
  std::function<Row(const std::filesystem::path& folder, const Spec& spec)> load;
  std::function<void(int)> set_threads;
  /// Answers to other commands.
  std::map<std::string, std::function<std::string()>> more = {};
};
/// Answers until the input ends. Returns main's exit code.
int serve(const Side& side);

}  // namespace evenkeel::benchmarks
