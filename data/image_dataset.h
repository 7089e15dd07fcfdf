#pragma once

#include <evenkeel/data/dataset.h>

#include <optional>
#include <string_view>

namespace evenkeel::data {

/// Images of bytes with a class each. Samples are float32 [C, H, W] in [0, 1] (the byte divided by 255) and
/// int64 classes. What is kept is the bytes.
class ImageDataset : public Dataset {
 public:
  std::int64_t size() const override { return images_.shape()[0]; }
  Examples gather(std::span<const std::int64_t> indices) const override;

  const Array& images() const { return images_; }  ///< uint8 [N, C, H, W]
  const Array& labels() const { return labels_; }  ///< int64 [N]

 protected:
  /// `labels` are bytes, one an image. Keeps the first `limit` samples. Throws ArgumentError for a negative
  /// limit.
  ImageDataset(std::string_view who, const Array& images, const Array& labels,
               std::optional<std::int64_t> limit);

 private:
  Array images_, labels_;
};

}  // namespace evenkeel::data
