// Depthwise convolution of row-major images at stride 1: every channel of an image is a plane that meets one
// window, so vectors run along its rows and nothing is turned around. Planes are copied band by band with
// zeros around them, and rows computed in whole vectors: what the last one writes beyond its row, the next
// row overwrites. The usual windows of 3 x 3 with a padding of 1 are spared the copy: they read planes where
// these lie and find zeros beyond the ends of rows by themselves.

#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/conv_rows.h>
#include <evenkeel/core/kernels/plane_windows.h>
#include <evenkeel/core/kernels/stream.h>

#include <algorithm>

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

/// The result of 3 x 3 windows in `count` rows.
template <Index count, bool with_ends, class T>
void correlate_rows_3x3(const PlaneRows<T>& rows, Index row, const Vector<T>* window, Vector<T> shift, T* to,
                        Index columns) {
  for_each_vector<with_ends, T>(columns, [&]<Ends ends>(Index j, Index) {
    Vector<T> sums[count]{};
    for_each_pixel<ends, count>(rows, row, j, [&](Vector<T> pixels, Index tap, Index i) {
      sums[i] = simd::multiply_add(pixels, window[tap], sums[i]);
    });
#pragma GCC unroll 4
    for (Index i = 0; i < count; ++i) simd::store(to + (row + i) * columns + j, sums[i] + shift);
  });
}

/// Calls body(row, count) for `rows` rows, up to four at a time.
template <class Body>
[[gnu::always_inline]] inline void for_some_rows(Index rows, Body body) {
  Index row = 0;
  for (; row + 4 <= rows; row += 4) body(row, std::integral_constant<Index, 4>());
  for (; row + 2 <= rows; row += 2) body(row, std::integral_constant<Index, 2>());
  if (row < rows) body(row, std::integral_constant<Index, 1>());
}

/// A plane's band by 3 x 3 windows; `ahead` takes a step for each row.
template <bool with_ends, class T>
void correlate_plane_3x3(const PlaneRows<T>& seen, Index rows, const T* window, Vector<T> shift, T* to,
                         Index columns, Ahead<const T>& ahead) {
  Vector<T> factors[9];
  for (Index tap = 0; tap < 9; ++tap) factors[tap] = simd::broadcast(window[tap]);
  for_some_rows(rows, [&]<Index count>(Index row, std::integral_constant<Index, count>) {
    ahead.steps(count);
    correlate_rows_3x3<count, with_ends>(seen, row, factors, shift, to, columns);
  });
}

/// to[0 ... length) = from[...].
template <class T>
void write_out(const T* from, Index length, bool past_caches, T* to) {
  if (length < simd::lanes<T>)
    std::copy_n(from, length, to);
  else
    write_run({past_caches}, to, length, [=](Index i) { return simd::load(from + i); });
}

/// Whether the taps are those of a window of 3 x 3.
bool is_3x3(const Phase& phase) {
  return phase.taps.size() == 9 && phase.taps.back().row - phase.taps.front().row == 2 &&
         phase.taps.back().column - phase.taps.front().column == 2;
}
/// Whether windows of 3 x 3 may find the zeros beyond the ends of rows by themselves.
template <class T>
bool sees_ends(const Correlation& g) {
  return is_3x3(g.phases.front()) && g.rows.low == -1 && g.columns.low == -1 && g.to[3] >= simd::lanes<T>;
}
/// The rows of a plane that a band sees, `planes` being the first of the batch.
template <class T>
PlaneRows<T> rows_in_place(const T* planes, Index plane, const Band& band, const Correlation& g,
                           const T* zeros) {
  const auto height = g.from[2], width = g.from[3];
  return {planes + (plane * height + band.row) * width, width, -band.row, height - band.row, zeros};
}

template <class T>
class PlaneCorrelation {
 public:
  PlaneCorrelation(const Array& from, const Array& weight, const T* bias, const Correlation& g)
      : g_(g),
        bands_(g.to[0] * g.to[1], g.to[2], rows_of_band(g)),
        in_place_(sees_ends<T>(g)),
        from_(from.data<T>().data()),
        weight_(weight.data<T>().data()),
        bias_(bias),
        seen_(planes_of<T>(from, g.rows, whole_vectors<T>(g.columns, g.to[3]), g.to[2], g.to[3], bands_)),
        offsets_(offsets_of(phase(), g, seen_)),
        zeros_({in_place_ ? g.from[3] : 0}, dtype_of<T>) {}

  void run(T* to) const {
    const auto columns = g_.to[3], copied = in_place_ ? 0 : seen_.buffer_size(),
               taps = static_cast<Index>(offsets_.size());
    const bool past_caches = is_past_caches(g_.to.count() * static_cast<Index>(sizeof(T)));
    // Bands are small here.
    parallel_for(bands_.count(), bands_.grain(32), [&](Index b, Index end) {
      Array buffers = Array::uninitialized(
          {copied + taps + bands_.images() * bands_.rows() * columns + simd::lanes<T>}, dtype_of<T>);
      T* const copies = buffers.template mutable_data<T>().data();
      T* const window = copies + copied;
      T* const result = window + taps;
      for (; b < end; ++b) {
        const Band band = bands_[b];
        const T* const planes = in_place_ ? nullptr : seen_.read(band, copies);
        Ahead ahead(band.images * band.rows, seen_.region(bands_.after(b)));
        for (Index n = 0; n < band.images; ++n)
          correlate(band, n, planes, window, result + n * band.rows * columns, ahead);
        write_out(result, band.images * band.rows * columns, past_caches,
                  to + (band.image * g_.to[2] + band.row) * columns);
      }
    });
  }

 private:
  const Phase& phase() const { return g_.phases.front(); }

  /// The n-th plane of a band, `planes` being what the band sees unless that is in place; the window is
  /// copied to `window`. `ahead` takes a step for each row.
  void correlate(const Band& band, Index n, const T* planes, T* window, T* to, Ahead<const T>& ahead) const {
    const auto plane = band.image + n, channel = plane % g_.to[1], columns = g_.to[3],
               taps = static_cast<Index>(offsets_.size());
    for (Index tap = 0; tap < taps; ++tap)
      window[tap] = weight_[channel * taps + phase().taps[static_cast<std::size_t>(tap)].weight];
    const auto shift = simd::broadcast(bias_ ? bias_[channel] : T{0});
    if (in_place_)
      return correlate_plane_3x3<true>(rows_in_place(from_, plane, band, g_, zeros_.data<T>().data()),
                                       band.rows, window, shift, to, columns, ahead);
    const T* const seen = planes + n * seen_.image;
    if (is_3x3(phase()))
      return correlate_plane_3x3<false>(
          PlaneRows<T>{seen + seen_.row + 1, seen_.row, -1, band.rows + 1, nullptr}, band.rows, window, shift,
          to, columns, ahead);
    for (Index i = 0; i < band.rows; ++i) {
      ahead.step();
      correlate_row(seen + i * seen_.row, offsets_, window, shift, to + i * columns, columns);
    }
  }

  const Correlation& g_;
  Bands bands_;
  bool in_place_;
  const T *from_, *weight_, *bias_;
  SeenImages<T> seen_;
  std::vector<Index> offsets_;
  Array zeros_;  // a row
};

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
        chunks_(std::min(most_chunks, g_.to[0])),
        in_place_(sees_ends<T>(g_)),
        pixels_(x.data<T>().data()),
        zeros_({in_place_ ? g_.from[3] : 0}, dtype_of<T>) {
    offsets_.resize(offsets_.size() + taps_at_once - 1, offsets_.back());  // tiles may reach beyond
  }

  /// Summed over each band in vector lanes, beyond that in double.
  Array run(const Shape& shape) const {
    const auto channels = g_.to[1], batch = g_.to[0];
    Array partials({chunks_, channels, taps_ + taps_at_once - 1}, DType::float64);
    double* const sums = partials.mutable_data<double>().data();
    const auto pitch = taps_ + taps_at_once - 1;
    parallel_for(chunks_ * channels, 1, [&](Index i, Index) {
      Array buffer = Array::uninitialized({in_place_ ? 0 : x_.buffer_size()}, dtype_of<T>);
      T* const copy = buffer.template mutable_data<T>().data();
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
        const T* const dy = dy_.read(now, nullptr);  // where it lies
        NextBand ahead(now.rows * ceil_div(taps_, taps_at_once), x_.region(next), dy_.region(next));
        if (in_place_) {
          add_band_3x3(now, dy, sums + i * pitch, ahead);
          continue;
        }
        const T* const x = x_.read(now, copy);
        for (Index tap = 0; tap < taps_; tap += taps_at_once)
          add_band(now.rows, x, dy, offsets_.data() + tap, sums + i * pitch + tap, ahead);
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
  /// Its planes, to be fetched meanwhile.
  using NextBand = Ahead<const T, const T>;

  void add_band(Index rows, const T* x, const T* dy, const Index* offsets, double* to,
                NextBand& ahead) const {
    constexpr auto n = simd::lanes<T>;
    const auto columns = g_.to[3], whole = columns / n * n;
    Vector<T> sums[taps_at_once]{};
    for (Index i = 0; i < rows; ++i, x += x_.row, dy += dy_.row) {
      ahead.step();
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
    add_lanes(sums, to);
  }
  void add_band_3x3(const Band& band, const T* dy, double* to, NextBand& ahead) const {
    const auto columns = g_.to[3];
    const auto x = rows_in_place(pixels_, band.image, band, g_, zeros_.data<T>().data());
    Vector<T> sums[9]{};
    for_some_rows(band.rows, [&]<Index count>(Index row, std::integral_constant<Index, count>) {
      ahead.steps(count);
      for_each_vector<true, T>(columns, [&]<Ends ends>(Index j, Index skipped) {
        const auto own = [&](Vector<T> v) {  // not what the vector before has counted
          return ends.right ? simd::without_first<T>(skipped, v) : v;
        };
        Vector<T> gradient[count];
#pragma GCC unroll 4
        for (Index i = 0; i < count; ++i) gradient[i] = own(simd::load(dy + (row + i) * columns + j));
        for_each_pixel<ends, count>(x, row, j, [&](Vector<T> pixels, Index tap, Index i) {
          sums[tap] = simd::multiply_add(own(pixels), gradient[i], sums[tap]);
        });
      });
    });
    add_lanes(sums, to);
  }
  static void add_lanes(const Vector<T> (&sums)[taps_at_once], double* to) {
#pragma GCC unroll 9
    for (Index tap = 0; tap < taps_at_once; ++tap)
      to[tap] += static_cast<double>(simd::sum_of_lanes(sums[tap]));
  }

  Correlation g_;
  Bands bands_;  // of one plane
  SeenImages<T> x_, dy_;
  std::vector<Index> offsets_;
  Index taps_, chunks_;
  bool in_place_;
  const T* pixels_;  // of x
  Array zeros_;      // a row
};

}  // namespace

Array correlate_planes(const Array& from, const Array& weight, const Array& bias,
                       const Correlation& geometry) {
  Array to = Array::uninitialized(geometry.to, from.dtype());
  dispatch_floating(from.dtype(), [&]<class T>() {
    PlaneCorrelation<T>(from, weight, bias.defined() ? bias.data<T>().data() : nullptr, geometry)
        .run(to.mutable_data<T>().data());
  });
  return to;
}

Array weight_gradient_planes(const Array& x, const Array& dy, const Convolution& conv) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    return PlaneWeightGradient<T>(x, dy, conv).run(conv.shape(Convolution::weight));
  });
}

}  // namespace evenkeel::kernels
