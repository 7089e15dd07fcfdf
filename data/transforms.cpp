#include <evenkeel/data/transforms.h>

#include <algorithm>
#include <cmath>

namespace evenkeel::data {
namespace {

double uniform(Rng& rng) { return rng.uniform(rng.take(1)); }
std::int64_t below(std::int64_t n, Rng& rng) {
  return static_cast<std::int64_t>(uniform(rng) * static_cast<double>(n));
}

void check_images(std::string_view who, const Array& inputs, std::span<Rng> rngs) {
  check(inputs.shape().rank() == 4, who, ": expected images [N, C, H, W], got ", inputs.shape());
  check(inputs.shape()[0] == static_cast<std::int64_t>(rngs.size()), who, ": ", rngs.size(),
        " generators do not fit ", inputs.shape());
}

/// Where the window lies in the unpadded image; its edges may lie outside.
struct Place {
  std::int64_t top, left;
};

template <class T>
void crop_plane(const T* from, Size2 image, T* to, Size2 window, Place place) {
  const auto begin = std::clamp<std::int64_t>(-place.left, 0, window.width);
  const auto end = std::clamp<std::int64_t>(image.width - place.left, begin, window.width);
  for (std::int64_t i = 0; i < window.height; ++i) {
    const auto row = place.top + i;
    T* const out = to + i * window.width;
    if (row < 0 || row >= image.height) {
      std::fill_n(out, window.width, T{});
      continue;
    }
    std::fill(out, out + begin, T{});
    std::copy_n(from + row * image.width + place.left + begin, end - begin, out + begin);
    std::fill(out + end, out + window.width, T{});
  }
}

}  // namespace

Transform normalize(std::vector<double> mean, std::vector<double> std) {
  check(mean.size() == std.size() && !mean.empty(), "normalize: ", mean.size(), " means and ", std.size(),
        " deviations, expected one of each for every channel");
  for (const double each : std) check(each > 0, "normalize: std is ", each, ", expected above 0");
  return [mean = std::move(mean), std = std::move(std)](Array inputs, std::span<Rng>) {
    const auto channels = static_cast<std::int64_t>(mean.size());
    check(inputs.shape().rank() >= 2 && inputs.shape()[1] == channels, "normalize: ", channels,
          " means do not fit inputs ", inputs.shape(), ", expected [N, ", channels, ", ...]");
    check(is_floating(inputs.dtype()), "normalize: expected float32 or float64, got ", inputs.dtype());
    dispatch_floating(inputs.dtype(), [&]<class T>() {
      const auto pixels = inputs.shape().count(2), planes = inputs.shape()[0] * channels;
      auto value = inputs.mutable_data<T>().begin();
      for (std::int64_t plane = 0; plane < planes; ++plane) {
        const auto channel = static_cast<std::size_t>(plane % channels);
        const T shift = static_cast<T>(mean[channel]), scale = static_cast<T>(std[channel]);
        value = std::transform(value, value + pixels, value, [=](T x) { return (x - shift) / scale; });
      }
    });
    return inputs;
  };
}

Transform random_crop(const RandomCrop& options) {
  const auto [size, padding] = options;
  check(size.height >= 1 && size.width >= 1, "random_crop: size is ", size, ", expected at least 1");
  check(padding.height >= 0 && padding.width >= 0, "random_crop: padding is ", padding,
        ", expected at least 0");
  return [size = size, padding = padding](const Array& inputs, std::span<Rng> rngs) {
    check_images("random_crop", inputs, rngs);
    const auto& shape = inputs.shape();
    const Size2 image{shape[2], shape[3]};
    const Size2 places{image.height + 2 * padding.height - size.height + 1,
                       image.width + 2 * padding.width - size.width + 1};
    check(places.height >= 1 && places.width >= 1, "random_crop: size ", size, " is larger than images ",
          shape, " with padding ", padding);
    Array out = Array::uninitialized({shape[0], shape[1], size.height, size.width}, inputs.dtype());
    dispatch(inputs.dtype(), [&]<class T>() {
      const T* from = inputs.data<T>().data();
      T* to = out.mutable_data<T>().data();
      for (Rng& rng : rngs) {
        const auto top = below(places.height, rng) - padding.height,
                   left = below(places.width, rng) - padding.width;
        for (std::int64_t c = 0; c < shape[1]; ++c) {
          crop_plane(from, image, to, size, {top, left});
          from += image.height * image.width;
          to += size.height * size.width;
        }
      }
    });
    return out;
  };
}

Transform random_horizontal_flip(const RandomHorizontalFlip& options) {
  const double p = options.p;
  check(p >= 0 && p <= 1, "random_horizontal_flip: p is ", p, ", expected [0, 1]");
  return [p](Array inputs, std::span<Rng> rngs) {
    check_images("random_horizontal_flip", inputs, rngs);
    dispatch(inputs.dtype(), [&]<class T>() {
      const auto image = inputs.shape().count(1), width = inputs.shape()[3];
      T* values = inputs.mutable_data<T>().data();
      for (Rng& rng : rngs) {
        if (uniform(rng) < p && width > 0)
          for (T* row = values; row < values + image; row += width) std::reverse(row, row + width);
        values += image;
      }
    });
    return inputs;
  };
}

}  // namespace evenkeel::data
