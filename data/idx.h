#pragma once

#include <evenkeel/data/image_dataset.h>

#include <array>
#include <string>
#include <string_view>

namespace evenkeel::data {

/// Reads an IDX file of unsigned bytes (http://yann.lecun.com/exdb/mnist: bytes 0 0 8 rank, big-endian 32-bit
/// dimensions, values), plain or gzip. Gives uint8 of its dimensions. Untrusted files are safe: the file must
/// be able to hold what its header announces before memory is taken, and must hold exactly that.
/// Throws FileError, naming file and rule: wrong magic, another type than unsigned bytes, a rank
/// outside 1..4, a size that overflows, missing or further data, broken gzip.
Array read_idx(const std::string& path);

/// A pair of IDX files, as MNIST and its relatives come.
class IdxDataset : public ImageDataset {
 public:
  struct Options {
    std::string images = {};                 ///< rank 3 [N, H, W], or rank 4 [N, C, H, W]
    std::string labels = {};                 ///< rank 1 [N]
    std::int64_t classes = 10;               ///< every label is below
    std::optional<std::int64_t> limit = {};  ///< keep the first so many samples; absent: all
  };
  /// Throws FileError for files that break a rule, do not agree in N, or hold a label that is no class.
  explicit IdxDataset(const Options& options) : IdxDataset("IdxDataset", options) {}

 protected:
  IdxDataset(std::string_view who, const Options& options);

 private:
  IdxDataset(std::string_view who, const Options& options, const Examples& read);
};

/// Fashion-MNIST (Xiao et al. 2017): 60,000 + 10,000 grey images [1, 28, 28] of ten kinds of clothing.
class FashionMNIST final : public IdxDataset {
 public:
  struct Options {
    Split split = Split::train;
    /// Holds `train-images-idx3-ubyte` and its siblings (t10k for the test split), plain or with `.gz`.
    /// Empty: the environment's EVENKEEL_DATA, or where Debian's dataset-fashion-mnist puts them,
    /// /usr/share/datasets/fashion-mnist.
    std::string folder = {};
    std::optional<std::int64_t> limit = {};  ///< keep the first so many samples; absent: all
  };
  static constexpr std::array<std::string_view, 10> class_names{
      "T-shirt", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"};

  /// Throws FileError as IdxDataset does.
  explicit FashionMNIST(const Options& options);
};

}  // namespace evenkeel::data
