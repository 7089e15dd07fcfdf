#pragma once

#include <evenkeel/data/image_dataset.h>

#include <array>
#include <string>
#include <string_view>

namespace evenkeel::data {

/// CIFAR-10 in its binary form (https://www.cs.toronto.edu/~kriz/cifar.html, cifar-10-binary.tar.gz):
/// coloured images [3, 32, 32] of ten classes, 50,000 to train on and 10,000 to test with.
class CIFAR10 final : public ImageDataset {
 public:
  struct Options {
    Split split = Split::train;
    /// Holds data_batch_1.bin to data_batch_5.bin and test_batch.bin. Empty: the environment's EVENKEEL_DATA.
    std::string folder = {};
    std::optional<std::int64_t> limit = {};  ///< keep the first so many samples; absent: all
  };
  static constexpr std::array<std::string_view, 10> class_names{
      "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"};

  /// Throws FileError for a file that is missing, is empty, is no whole number of records of 3073 bytes (a
  /// label, then the red, green and blue planes), or holds a label above 9.
  explicit CIFAR10(const Options& options) : CIFAR10(options, read(options)) {}

 private:
  CIFAR10(const Options& options, const Examples& read)
      : ImageDataset("CIFAR10", read.inputs, read.targets, options.limit) {}
  static Examples read(const Options& options);
};

}  // namespace evenkeel::data
