// Depthwise convolution of row-major images at stride 1: every channel of an image is a plane that meets one
// window, so vectors run along its rows and nothing is turned around. Rows are computed in whole vectors;
// what the last one writes beyond its row, the next row overwrites.

#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/conv_rows.h>
#include <evenkeel/core/kernels/stream.h>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;

/// A band of a plane is about as large as this, so that it, its copy and its result stay in the L1; but rows
/// that it shares with its neighbours are copied for each.
constexpr Index band_elements = 1024, fewest_rows = 4;
/// Neighbouring vectors of a result, or taps of a weight, that are summed at a time.
constexpr Index vectors_at_once = 4, taps_at_once = 9, most_chunks = 8;

/// All planes of a batch, as images [N * C, 1, H, W] of one channel.
template <class T>
SeenImages<T> planes_of(const Array& images, Reach rows, Reach columns, Index out_rows, Index out_columns,
                        const Bands& bands) {
  const Shape& s = images.shape();
  return {images.relabelled({s[0] * s[1], 1, s[2], s[3]}, MemoryOrder::channels_last),
          1,
          rows,
          columns,
          out_rows,
          out_columns,
          bands};
}

/// The same columns as whole vectors see them.
template <class T>
Reach whole_vectors(Reach columns, Index out_columns) {
  return {columns.step, columns.low, columns.high + round_up<T>(out_columns) - out_columns};
}

Index rows_of_band(const Correlation& g) {
  return std::max(fewest_rows, band_elements / g.columns.length(g.to[3]));
}

template <class T, Index vectors>
[[gnu::always_inline]] inline void correlate_vectors(const T* from, std::span<const Index> offsets,
                                                     const T* window, Vector<T> shift, T* to) {
  constexpr auto n = simd::lanes<T>;
  Vector<T> sums[vectors]{};
  for (const Index offset : offsets) {
    const auto factor = simd::broadcast(*window++);
#pragma GCC unroll 4
    for (Index v = 0; v < vectors; ++v)
      sums[v] = simd::multiply_add(simd::load(from + offset + v * n), factor, sums[v]);
  }
#pragma GCC unroll 4
  for (Index v = 0; v < vectors; ++v) simd::store(to + v * n, sums[v] + shift);
}

template <class T>
void correlate_row(const T* from, std::span<const Index> offsets, const T* window, Vector<T> shift, T* to,
                   Index columns) {
  constexpr auto n = simd::lanes<T>;
  Index j = 0;
  for (; columns - j >= vectors_at_once * n; j += vectors_at_once * n)
    correlate_vectors<T, vectors_at_once>(from + j, offsets, window, shift, to + j);
  for (; j < columns; j += n) correlate_vectors<T, 1>(from + j, offsets, window, shift, to + j);
}

/// Some neighbouring rows of a result by windows of 3x3, whose sums share what they read. Vectors go from
/// right to left, since they may write beyond their row, into the beginning of the next.
template <class T, Index rows>
void correlate_rows_3x3(const T* from, Index pitch, const Vector<T>* window, Vector<T> shift, T* to,
                        Index columns) {
  constexpr auto n = simd::lanes<T>;
  for (auto j = (ceil_div(columns, n) - 1) * n; j >= 0; j -= n) {
    Vector<T> sums[rows]{};
#pragma GCC unroll 10
    for (Index r = 0; r < rows + 2; ++r)
#pragma GCC unroll 3
      for (Index c = 0; c < 3; ++c) {
        const auto pixels = simd::load_once(from + r * pitch + j + c);
#pragma GCC unroll 3
        for (Index k = 0; k < 3; ++k)
          if (k <= r && r - k < rows)
            sums[r - k] = simd::multiply_add(pixels, window[3 * k + c], sums[r - k]);
      }
#pragma GCC unroll 8
    for (Index i = 0; i < rows; ++i) simd::store(to + i * columns + j, sums[i] + shift);
  }
}

/// Some rows of a plane; calls fetch(row, count) before so many of them.
template <class T, class Fetch>
void correlate_plane(const T* from, Index pitch, Index rows, std::span<const Index> offsets, const T* window,
                     Vector<T> shift, T* to, Index columns, Fetch fetch) {
  Index i = 0;
  if (offsets.size() == 9 && offsets.back() == 2 * pitch + 2) {
    Vector<T> factors[9];
    for (Index tap = 0; tap < 9; ++tap) factors[tap] = simd::broadcast(window[tap]);
    const auto some = [&]<Index count>(std::integral_constant<Index, count>) {
      for (; i + count <= rows; i += count) {
        fetch(i, count);
        correlate_rows_3x3<T, count>(from + i * pitch, pitch, factors, shift, to + i * columns, columns);
      }
    };
    some(std::integral_constant<Index, 4>());
    some(std::integral_constant<Index, 2>());
  }
  for (; i < rows; ++i) {
    fetch(i, 1);
    correlate_row(from + i * pitch, offsets, window, shift, to + i * columns, columns);
  }
}

/// to[0 ... length) = from[...].
template <class T>
void write_out(const T* from, Index length, bool past_caches, T* to) {
  if (length < simd::lanes<T>)
    std::copy_n(from, length, to);
  else
    write_run({past_caches}, to, length, [=](Index i) { return simd::load(from + i); });
}

template <class T>
void correlate(const Array& from, const Array& weight, const T* bias, const Correlation& g, T* to) {
  const Phase& phase = g.phases.front();
  const auto channels = g.to[1], columns = g.to[3], taps = static_cast<Index>(phase.taps.size());
  const Bands bands(g.to[0] * g.to[1], g.to[2], rows_of_band(g));
  const auto seen = planes_of<T>(from, g.rows, whole_vectors<T>(g.columns, columns), g.to[2], columns, bands);
  const auto offsets = offsets_of(phase, g, seen);
  const T* const weights = weight.data<T>().data();
  const bool past_caches = is_past_caches(g.to.count() * static_cast<Index>(sizeof(T)));
  const auto rows = bands.images() * bands.rows();
  // Bands are small here, and the first one of a task was not fetched.
  parallel_for(bands.count(), bands.grain(32), [&](Index b, Index end) {
    Array buffers =
        Array::uninitialized({seen.buffer_size() + rows * columns + simd::lanes<T> + taps}, dtype_of<T>);
    T* const buffer = buffers.template mutable_data<T>().data();
    T* const window = buffer + seen.buffer_size();
    T* const result = window + taps;
    for (; b < end; ++b) {
      const Band band = bands[b];
      const T* const planes = seen.read(band, buffer);
      const auto next = b + 1 < end ? seen.region(bands[b + 1]) : Region<const T>{};
      for (Index n = 0; n < band.images; ++n) {
        const auto channel = (band.image + n) % channels;
        for (Index t = 0; t < taps; ++t)
          window[t] = weights[channel * taps + phase.taps[static_cast<std::size_t>(t)].weight];
        const auto shift = simd::broadcast(bias ? bias[channel] : T{0});
        const auto fetch = [&](Index row, Index count) {
          next.prefetch(n * band.rows + row, n * band.rows + row + count, band.images * band.rows);
        };
        correlate_plane<T>(planes + n * seen.image, seen.row, band.rows, offsets, window, shift,
                           result + n * band.rows * columns, columns, fetch);
      }
      write_out(result, band.images * band.rows * columns, past_caches,
                to + (band.image * g.to[2] + band.row) * columns);
    }
  });
}

template <class T>
class PlaneWeightGradient {
 public:
  PlaneWeightGradient(const Array& x, const Array& dy, const Convolution& conv)
      : g_(correlation_of_output(conv)),
        bands_(1, g_.to[2], rows_of_band(g_)),
        x_(planes_of<T>(x, g_.rows, whole_vectors<T>(g_.columns, g_.to[3]), g_.to[2], g_.to[3], bands_)),
        dy_(planes_of<T>(dy, {1, 0, 0}, {1, 0, 0}, g_.to[2], g_.to[3], bands_)),
        offsets_(offsets_of(g_.phases.front(), g_, x_)),
        taps_(static_cast<Index>(offsets_.size())),
        chunks_(std::min(most_chunks, g_.to[0])) {
    offsets_.resize(offsets_.size() + taps_at_once - 1, offsets_.back());  // tiles may reach beyond
  }

  /// Summed over each band in vector lanes, beyond that in double.
  Array run(const Shape& shape) const {
    const auto channels = g_.to[1], batch = g_.to[0];
    Array partials({chunks_, channels, taps_ + taps_at_once - 1}, DType::float64);
    double* const sums = partials.mutable_data<double>().data();
    const auto pitch = taps_ + taps_at_once - 1;
    parallel_for(chunks_ * channels, 1, [&](Index i, Index) {
      Array buffers = Array::uninitialized({x_.buffer_size() + dy_.buffer_size()}, dtype_of<T>);
      T* const buffer = buffers.template mutable_data<T>().data();
      const auto chunk = i / channels, channel = i % channels;
      const auto first = batch * chunk / chunks_ * bands_.count(),
                 last = batch * (chunk + 1) / chunks_ * bands_.count();
      const auto band = [&](Index at) {
        Band plane = bands_[at % bands_.count()];
        plane.image = at / bands_.count() * channels + channel;
        return plane;
      };
      for (auto at = first; at < last; ++at) {
        const Band now = band(at), next = band(std::min(at + 1, last - 1));
        const T *const x = x_.read(now, buffer), *const dy = dy_.read(now, buffer + x_.buffer_size());
        const auto next_x = x_.region(next), next_dy = dy_.region(next);
        for (Index tap = 0; tap < taps_; tap += taps_at_once)
          add_band(now.rows, x, dy, offsets_.data() + tap, sums + i * pitch + tap, [&](Index row) {
            next_x.prefetch(row, row + 1, now.rows);
            next_dy.prefetch(row, row + 1, now.rows);
          });
      }
    });
    Array dw = Array::uninitialized(shape, dtype_of<T>);
    T* const to = dw.template mutable_data<T>().data();
    for (Index c = 0; c < channels; ++c)
      for (Index tap = 0; tap < taps_; ++tap) {
        double sum = 0;
        for (Index chunk = 0; chunk < chunks_; ++chunk) sum += sums[(chunk * channels + c) * pitch + tap];
        to[c * taps_ + tap] = static_cast<T>(sum);
      }
    return dw;
  }

 private:
  template <class Fetch>
  void add_band(Index rows, const T* x, const T* dy, const Index* offsets, double* to, Fetch fetch) const {
    constexpr auto n = simd::lanes<T>;
    const auto columns = g_.to[3], whole = columns / n * n;
    Vector<T> sums[taps_at_once]{};
    for (Index i = 0; i < rows; ++i, x += x_.row, dy += dy_.row) {
      fetch(i);
      for (Index j = 0; j < whole; j += n) {
        const auto gradient = simd::load(dy + j);
#pragma GCC unroll 9
        for (Index tap = 0; tap < taps_at_once; ++tap)
          sums[tap] = simd::multiply_add(simd::load(x + j + offsets[tap]), gradient, sums[tap]);
      }
      if (whole < columns) {  // what lies beyond the row may be Inf, which no zero of dy would silence
        const auto gradient = simd::load_some(dy + whole, columns - whole);
#pragma GCC unroll 9
        for (Index tap = 0; tap < taps_at_once; ++tap)
          sums[tap] =
              simd::multiply_add(simd::first_lanes<T>(columns - whole, simd::load(x + whole + offsets[tap])),
                                 gradient, sums[tap]);
      }
    }
#pragma GCC unroll 9
    for (Index tap = 0; tap < taps_at_once; ++tap)
      to[tap] += static_cast<double>(simd::sum_of_lanes(sums[tap]));
  }

  Correlation g_;
  Bands bands_;  // of one plane
  SeenImages<T> x_, dy_;
  std::vector<Index> offsets_;
  Index taps_, chunks_;
};

}  // namespace

Array correlate_planes(const Array& from, const Array& weight, const Array& bias,
                       const Correlation& geometry) {
  Array to = Array::uninitialized(geometry.to, from.dtype());
  dispatch_floating(from.dtype(), [&]<class T>() {
    correlate<T>(from, weight, bias.defined() ? bias.data<T>().data() : nullptr, geometry,
                 to.mutable_data<T>().data());
  });
  return to;
}

Array weight_gradient_planes(const Array& x, const Array& dy, const Convolution& conv) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    return PlaneWeightGradient<T>(x, dy, conv).run(conv.shape(Convolution::weight));
  });
}

}  // namespace evenkeel::kernels
