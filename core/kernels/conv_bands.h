#pragma once
/// How convolution reads images: band by band, a band being some rows of one image or, where images are
/// small, several whole ones. What a band's windows see is copied with zeros around it, so that no inner loop
/// asks where the image ends, and turned around if it lies row-major; where windows see nothing but a
/// channels-last image, it is read as it lies.

#include <evenkeel/core/array.h>
#include <evenkeel/core/kernels/ahead.h>
#include <evenkeel/core/kernels/transpose_matrix.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace evenkeel::kernels {

/// Along one axis: output i sees the inputs i * step + low up to i * step + high.
struct Reach {
  std::int64_t step, low, high;

  /// How many inputs so many neighbouring outputs see.
  std::int64_t length(std::int64_t outputs) const { return (outputs - 1) * step + high - low + 1; }
  bool leaves(std::int64_t inputs, std::int64_t outputs) const {
    return low < 0 || (outputs - 1) * step + high >= inputs;
  }
};

struct Band {
  std::int64_t image, images, row, rows;
};

/// The cut of a batch into bands of at most so many rows.
class Bands {
 public:
  Bands(std::int64_t batch, std::int64_t rows_of_image, std::int64_t most_rows)
      : batch_(batch), image_rows_(rows_of_image) {
    const auto per_image = at_least_one(ceil_div(rows_of_image, at_least_one(most_rows)));
    rows_ = ceil_div(rows_of_image, per_image);
    const auto most =
        per_image > 1 ? 1 : std::clamp(most_rows / at_least_one(rows_of_image), std::int64_t{1}, batch);
    images_ = ceil_div(batch, ceil_div(batch, most));  // about as many in each
    per_image_ = per_image;
  }
  std::int64_t count() const { return ceil_div(batch_, images_) * per_image_; }
  /// Of the largest band.
  std::int64_t images() const { return images_; }
  std::int64_t rows() const { return rows_; }
  /// So many neighbouring bands make a task: the next one's images are fetched while one is computed.
  std::int64_t grain(std::int64_t most = 4) const { return std::clamp(count() / 32, std::int64_t{1}, most); }
  /// The one after the i-th; after the last, that one again.
  Band after(std::int64_t i) const { return (*this)[std::min(i + 1, count() - 1)]; }
  Band operator[](std::int64_t i) const {
    const auto image = i / per_image_ * images_, row = i % per_image_ * rows_;
    return {image, std::min(images_, batch_ - image), row, std::min(rows_, image_rows_ - row)};
  }

 private:
  std::int64_t batch_, image_rows_, rows_ = 0, images_ = 0, per_image_ = 0;
};

/// The images [N, C, H, W] of a batch, in either order, as windows see them.
template <class T>
class SeenImages {
 public:
  /// `pixel` >= channels is the distance between pixels; zeros fill what lies between.
  SeenImages(const Array& images, std::int64_t pixel_pitch, Reach rows, Reach columns, std::int64_t out_rows,
             std::int64_t out_columns, const Bands& bands)
      : pixel(pixel_pitch),
        images_(images.stored<T>().data()),
        height_(images.shape()[2]),
        width_(images.shape()[3]),
        channels_(images.shape()[1]),
        rows_(rows),
        columns_(columns),
        turned_(!is_channels_last(images)),
        copied_(turned_ || pixel != channels_ || rows.leaves(height_, out_rows) ||
                columns.leaves(width_, out_columns)) {
    if (copied_) {
      row = columns.length(out_columns) * pixel;
      image = rows.length(bands.rows()) * row;
      buffer_size_ = bands.images() * image;
    } else {
      row = width_ * pixel;
      image = height_ * row;
    }
  }
  /// Elements of the buffer that `read` asks for.
  std::int64_t buffer_size() const { return buffer_size_; }
  /// Where the first pixel lies that the first window of the band sees. The others follow at the distances
  /// below.
  const T* read(const Band& band, T* buffer) const {
    const auto first = band.row * rows_.step + rows_.low;
    if (!copied_) return images_ + band.image * image + first * row + columns_.low * pixel;
    for (std::int64_t n = 0; n < band.images; ++n)
      for (std::int64_t i = 0; i < rows_.length(band.rows); ++i)
        copy_row(band.image + n, first + i, buffer + n * image + i * row);
    return buffer;
  }

  /// What reading the band will touch, where that lies together.
  Region<const T> region(const Band& band) const {
    const auto first = std::clamp(band.row * rows_.step + rows_.low, std::int64_t{0}, height_),
               last = std::clamp(band.row * rows_.step + rows_.low + rows_.length(band.rows), first, height_);
    if (turned_ && last - first < height_) return {};  // some rows of each channel
    return {images_ + (band.image * height_ + first) * width_ * channels_,
            ((band.images - 1) * height_ + last - first) * width_ * channels_};
  }

  std::int64_t pixel, row = 0, image = 0;  // distances between neighbours

 private:
  void copy_row(std::int64_t n, std::int64_t from, T* to) const {
    T* const end = to + row;
    if (from >= 0 && from < height_) {
      const auto columns = row / pixel, left = std::clamp(-columns_.low, std::int64_t{0}, columns),
                 right = std::clamp(width_ - columns_.low, left, columns),
                 at = from * width_ + std::max(columns_.low, std::int64_t{0});
      const T* const source = images_ + n * height_ * width_ * channels_;
      to = std::fill_n(to, left * pixel, T{0});
      to = turned_ ? turn_pixels(source + at, right - left, to)
                   : copy_pixels(source + at * channels_, right - left, to);
    }
    std::fill(to, end, T{0});
  }
  T* copy_pixels(const T* from, std::int64_t count, T* to) const {
    if (pixel == channels_) return std::copy_n(from, count * pixel, to);
    for (std::int64_t j = 0; j < count; ++j, to += pixel) copy_pixel(from + j * channels_, to);
    return to;
  }
  /// In vectors where they have masks: to copy and to fill so few values each takes a call.
  void copy_pixel(const T* from, T* to) const {
    if constexpr (!simd::has_masks) {
      std::fill_n(std::copy_n(from, channels_, to), pixel - channels_, T{0});
      return;
    }
    constexpr auto n = simd::lanes<T>;
    std::int64_t c = 0;
    for (; c + n <= channels_; c += n) simd::store(to + c, simd::load(from + c));
    for (; c < pixel; c += n) {
      const auto valid = std::clamp(channels_ - c, std::int64_t{0}, n);
      simd::store_some(to + c, simd::load_some(from + c, valid), std::min(n, pixel - c));
    }
  }
  T* turn_pixels(const T* from, std::int64_t count, T* to) const {
    transpose_matrix(from, height_ * width_, to, pixel, channels_, count);
    for (std::int64_t j = 0; j < count; ++j, to += pixel) std::fill(to + channels_, to + pixel, T{0});
    return to;
  }

  const T* images_;
  std::int64_t height_, width_, channels_;
  Reach rows_, columns_;
  bool turned_, copied_;
  std::int64_t buffer_size_ = 0;
};

}  // namespace evenkeel::kernels
