// Depthwise convolution: as many groups as channels, each a window of its own. Vectors run along channels for
// image, window and result alike; nothing is reused but the window, so few pixels at a time will do.

#include <evenkeel/core/kernels/conv_chunks.h>
#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/conv_rows.h>
#include <evenkeel/core/kernels/stream.h>

#include <algorithm>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;

/// A band's images are about as large as this.
constexpr Index band_elements = 65536;
/// Pixels of a result, or taps of a weight, that are summed at a time.
constexpr Index pixels_at_once = 4, taps_at_once = 9, most_chunks = 8;

/// `weight` is [tap][channel, padded].
template <class T>
void correlate_row(const Row<T>& row, const T* weight, const T* bias, bool past_caches,
                   Ahead<const T>& ahead) {
  constexpr auto n = simd::lanes<T>;
  const auto channels = row.channels, pitch = round_up<T>(channels);
  for (Index first = 0; first < row.columns; first += pixels_at_once) {
    ahead.step();
    const T* from[pixels_at_once];
    T* to[pixels_at_once];
#pragma GCC unroll 4
    for (Index i = 0; i < pixels_at_once; ++i) {  // beyond the last pixel, compute it again
      const auto column = std::min(first + i, row.columns - 1);
      from[i] = row.from + column * row.from_pixel;
      to[i] = row.to + column * row.to_pixel;
    }
    for (Index c = 0; c < channels; c += n) {
      const auto valid = std::min(n, channels - c);
      Vector<T> sums[pixels_at_once]{};
      const T* w = weight + c;
      for (const Index offset : row.offsets) {
        const auto factor = simd::load(w);
        w += pitch;
#pragma GCC unroll 4
        for (Index i = 0; i < pixels_at_once; ++i)
          sums[i] = simd::multiply_add(simd::load(from[i] + offset + c), factor, sums[i]);
      }
      const auto shift = bias ? simd::load_some(bias + c, valid) : Vector<T>{};
#pragma GCC unroll 4
      for (Index i = 0; i < pixels_at_once; ++i)
        if (valid == n)
          store_or_stream(past_caches, to[i] + c, sums[i] + shift);
        else
          simd::store_some(to[i] + c, sums[i] + shift, valid);
    }
  }
}

/// The windows of a phase: [tap][channel], zeros beyond the last channel.
template <class T>
std::vector<T> windows_of(const Phase& phase, const Array& weight) {
  const auto channels = weight.shape()[0], taps = weight.shape().count(2), pitch = round_up<T>(channels);
  const T* const from = weight.data<T>().data();
  std::vector<T> windows(phase.taps.size() * static_cast<std::size_t>(pitch));
  T* to = windows.data();
  for (const Tap& tap : phase.taps) {
    for (Index c = 0; c < channels; ++c) to[c] = from[c * taps + tap.weight];
    to += pitch;
  }
  return windows;
}

template <class T>
void correlate(const Array& from, const Array& weight, const T* bias, const Correlation& g, T* to) {
  std::vector<std::vector<T>> windows;
  for (const Phase& phase : g.phases) windows.push_back(windows_of<T>(phase, weight));
  const bool past_caches = are_past_caches(to, g.to.count() / g.to[1], g.to[1]);
  correlate_rows<T>(from, g, to, band_elements,
                    [&](std::size_t phase, const Row<T>& row, Ahead<const T>& ahead) {
                      correlate_row(row, windows[phase].data(), bias, past_caches, ahead);
                    });
}

template <class T>
class DepthwiseWeightGradient {
 public:
  DepthwiseWeightGradient(const Array& x, const Array& dy, const Convolution& conv)
      : g_(correlation_of_output(conv)),
        pitch_(round_up<T>(g_.to[1])),
        bands_(g_.to[0], g_.to[2],
               band_elements / ((g_.step.height * g_.columns.length(g_.to[3]) + g_.to[3]) * pitch_)),
        x_(seen_by<T>(x, g_, g_.to[2], g_.to[3], bands_)),
        dy_(dy, pitch_, {1, 0, 0}, {1, 0, 0}, g_.to[2], g_.to[3], bands_),
        offsets_(offsets_of(g_.phases.front(), g_, x_)),
        taps_(static_cast<Index>(offsets_.size())),
        chunks_(std::min(most_chunks, bands_.count())) {
    offsets_.resize(offsets_.size() + taps_at_once - 1, offsets_.back());  // tiles may reach beyond
  }

  Array run(const Shape& shape) const {
    const auto partial = (taps_ + taps_at_once - 1) * pitch_;
    Array partials({chunks_ * partial}, dtype_of<T>);
    T* const sums = partials.template mutable_data<T>().data();
    parallel_for(chunks_, 1, [&](Index chunk, Index) {
      Array buffers = Array::uninitialized({x_.buffer_size() + dy_.buffer_size()}, dtype_of<T>);
      T* const buffer = buffers.template mutable_data<T>().data();
      for (auto i = bands_.count() * chunk / chunks_; i < bands_.count() * (chunk + 1) / chunks_; ++i) {
        const Band band = bands_[i];
        const T *const x = x_.read(band, buffer), *const dy = dy_.read(band, buffer + x_.buffer_size());
        NextBand ahead(
            ceil_div(taps_, taps_at_once) * ceil_div(pitch_, simd::lanes<T>) * band.images * band.rows,
            x_.region(bands_.after(i)), dy_.region(bands_.after(i)));
        for (Index tap = 0; tap < taps_; tap += taps_at_once)
          for (Index c = 0; c < g_.to[1]; c += simd::lanes<T>)
            add_band(band, x + c, dy + c, offsets_.data() + tap, sums + chunk * partial + tap * pitch_ + c,
                     ahead);
      }
    });
    add_chunks(sums, chunks_, partial);
    Array dw = Array::uninitialized(shape, dtype_of<T>);
    T* const to = dw.template mutable_data<T>().data();
    for (Index c = 0; c < shape[0]; ++c)
      for (Index tap = 0; tap < taps_; ++tap) to[c * taps_ + tap] = sums[tap * pitch_ + c];
    return dw;
  }

 private:
  /// Its input and gradient, to be fetched meanwhile.
  using NextBand = Ahead<const T, const T>;

  void add_band(const Band& band, const T* x, const T* dy, const Index* offsets, T* to,
                NextBand& ahead) const {
    Vector<T> sums[taps_at_once]{};
    for (Index row = 0; row < band.images * band.rows; ++row) {
      ahead.step();
      const auto image = row / band.rows, i = row % band.rows;
      const T* from[taps_at_once];
#pragma GCC unroll 9
      for (Index tap = 0; tap < taps_at_once; ++tap)
        from[tap] = x + image * x_.image + i * g_.step.height * x_.row + offsets[tap];
      const T* gradient = dy + image * dy_.image + i * dy_.row;
      const auto step = g_.step.width * x_.pixel;
      for (Index j = 0; j < g_.to[3] * step; j += step, gradient += dy_.pixel) {
        const auto g = simd::load(gradient);
#pragma GCC unroll 9
        for (Index tap = 0; tap < taps_at_once; ++tap)
          sums[tap] = simd::multiply_add(simd::load(from[tap] + j), g, sums[tap]);
      }
    }
#pragma GCC unroll 9
    for (Index tap = 0; tap < taps_at_once; ++tap)
      simd::store(to + tap * pitch_, simd::load(to + tap * pitch_) + sums[tap]);
  }

  Correlation g_;
  Index pitch_;
  Bands bands_;
  SeenImages<T> x_, dy_;
  std::vector<Index> offsets_;
  Index taps_, chunks_;
};

}  // namespace

Array correlate_depthwise(const Array& from, const Array& weight, const Array& bias,
                          const Correlation& geometry) {
  Array to = geometry.covers ? Array::uninitialized(geometry.to, from.dtype(), MemoryOrder::channels_last)
                             : Array(geometry.to, from.dtype(), MemoryOrder::channels_last);
  dispatch_floating(from.dtype(), [&]<class T>() {
    correlate<T>(from, weight, bias.defined() ? bias.data<T>().data() : nullptr, geometry,
                 to.mutable_stored<T>().data());
  });
  return to;
}

Array weight_gradient_depthwise(const Array& x, const Array& dy, const Convolution& conv) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    return DepthwiseWeightGradient<T>(x, dy, conv).run(conv.shape(Convolution::weight));
  });
}

}  // namespace evenkeel::kernels
