// The gradient of the weight, directly: every weight is a sum over all pixels of the batch, of an input value
// times a gradient of the output. A tile of weights, a few (tap, channel) by a few vectors of output
// channels, stays in registers while the pixels of a band pass by; the bands of a chunk add up in memory, and
// the chunks, each summed for itself, at last.

#include <evenkeel/core/kernels/conv_chunks.h>
#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/register_tile.h>

#include <algorithm>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;

/// A band's images are about as large as this.
constexpr Index band_elements = 8192;
/// Partial sums take about so many elements, in at most so many chunks.
constexpr Index partial_elements = Index{1} << 19, most_chunks = 8;

/// The pixels of a band.
struct Field {
  Index images, rows, columns;
  Index x_image, x_row, x_pixel;     // distances between the first inputs of windows
  Index dy_image, dy_row, dy_pixel;  // and between their outputs
};

/// The next band's input and gradient.
template <class T>
using NextBand = Ahead<const T, const T>;

/// sums[i][v] += over pixels of x[offsets[i]] * dy[v].
template <class T, Index height, Index Vectors>
[[gnu::always_inline]] inline void add_pixels(const T* x, const Index* offsets, const T* dy,
                                              const Field& field, T* sums, NextBand<T>& ahead) {
  constexpr auto n = simd::lanes<T>;
  Vector<T> sum[height][Vectors]{};
  for (Index image = 0; image < field.images; ++image)
    for (Index row = 0; row < field.rows; ++row) {
      ahead.step();
      const T* from[height];
#pragma GCC unroll 8
      for (Index i = 0; i < height; ++i) from[i] = x + image * field.x_image + row * field.x_row + offsets[i];
      const T* gradient = dy + image * field.dy_image + row * field.dy_row;
      for (Index j = 0, end = field.columns * field.x_pixel; j < end;
           j += field.x_pixel, gradient += field.dy_pixel) {
        Vector<T> g[Vectors];
#pragma GCC unroll 3
        for (Index v = 0; v < Vectors; ++v) g[v] = simd::load(gradient + v * n);
#pragma GCC unroll 8
        for (Index i = 0; i < height; ++i) {
          const auto value = simd::broadcast(from[i][j]);
#pragma GCC unroll 3
          for (Index v = 0; v < Vectors; ++v) sum[i][v] = simd::multiply_add(value, g[v], sum[i][v]);
        }
      }
    }
#pragma GCC unroll 8
  for (Index i = 0; i < height; ++i)
#pragma GCC unroll 3
    for (Index v = 0; v < Vectors; ++v) {
      T* const to = sums + (i * Vectors + v) * n;
      simd::store(to, simd::load(to) + sum[i][v]);
    }
}

template <class T>
class WeightGradient {
 public:
  WeightGradient(const Array& x, const Array& dy, const Convolution& conv)
      : g_(correlation_of_output(conv)),
        columns_(columns_of(ceil_div(g_.channels_to(), simd::lanes<T>))),
        bands_(g_.to[0], g_.to[2],
               band_elements /
                   (g_.step.height * g_.columns.length(g_.to[3]) * g_.from[1] + g_.to[3] * g_.to[1])),
        x_(x, g_.from[1], g_.rows, g_.columns, g_.to[2], g_.to[3], bands_),
        dy_(dy, gradient_pitch(), {1, 0, 0}, {1, 0, 0}, g_.to[2], g_.to[3], bands_) {
    for (const Tap& tap : g_.phases.front().taps)
      for (Index c = 0; c < g_.channels_from(); ++c)
        offsets_.push_back((tap.row - g_.rows.low) * x_.row + (tap.column - g_.columns.low) * x_.pixel + c);
    steps_ = static_cast<Index>(offsets_.size());
    offsets_.resize(static_cast<std::size_t>(padded_steps()), offsets_.back());
    chunks_ = std::min(std::clamp(partial_elements / partial_size(), Index{1}, most_chunks), bands_.count());
    slices_ = std::min(ceil_div(most_chunks, chunks_), tasks_per_chunk());
  }

  Array run(const Shape& shape) const {
    Array partials({chunks_ * partial_size()}, dtype_of<T>);
    T* const sums = partials.template mutable_data<T>().data();
    parallel_for(chunks_ * slices_, 1, [&](Index task, Index) {
      const auto chunk = task / slices_, slice = task % slices_;
      Array buffers = Array::uninitialized({x_.buffer_size() + dy_.buffer_size()}, dtype_of<T>);
      T* const buffer = buffers.template mutable_data<T>().data();
      const auto last = bands_.count() * (chunk + 1) / chunks_;
      for (auto i = bands_.count() * chunk / chunks_; i < last; ++i) {
        const Band band = bands_[i];
        const T *const x = x_.read(band, buffer), *const dy = dy_.read(band, buffer + x_.buffer_size());
        const auto first_block = tasks_per_chunk() * slice / slices_,
                   last_block = tasks_per_chunk() * (slice + 1) / slices_;
        const auto fetches = (last_block - first_block) * (steps_ / tile_height(2)) * band.images * band.rows;
        NextBand<T> ahead(fetches, x_.region(bands_.after(i)), dy_.region(bands_.after(i)));
        for (auto block = first_block; block < last_block; ++block)
          add_block(band, x, dy, block, sums + chunk * partial_size(), ahead);
      }
    });
    add_chunks(sums, chunks_, partial_size());
    return turned(sums, shape);
  }

 private:
  /// A vector must be readable at any channel of a group where a block of columns begins.
  Index gradient_pitch() const {
    const auto channels = g_.channels_to(), n = simd::lanes<T>;
    return channels % n == 0 ? g_.to[1] : g_.to[1] + ceil_div(channels, n) * n - channels;
  }
  Index blocks() const { return static_cast<Index>(columns_.size()); }
  Index tasks_per_chunk() const { return g_.groups * blocks(); }
  Index padded_channels() const { return (columns_.back().first + columns_.back().vectors) * simd::lanes<T>; }
  /// Of a group in the partial sums: [columns][step, of whole tiles][vector].
  Index padded_steps() const { return steps_ + most_rows_beyond; }
  Index partial_size() const { return g_.groups * padded_channels() * padded_steps(); }

  void add_block(const Band& band, const T* x, const T* dy, Index block, T* sums, NextBand<T>& ahead) const {
    const Columns& columns = columns_[static_cast<std::size_t>(block % blocks())];
    const auto group = block / blocks(), channel = columns.first * simd::lanes<T>;
    x += group * g_.channels_from();
    dy += group * g_.channels_to() + channel;
    sums += (group * padded_channels() + channel) * padded_steps();
    const Field field{
        band.images, band.rows, g_.to[3], x_.image, g_.step.height * x_.row, g_.step.width * x_.pixel,
        dy_.image,   dy_.row,   dy_.pixel};
    with_vectors(columns.vectors, [&]<Index vectors>(std::integral_constant<Index, vectors>) {
      for_each_tile<vectors>(steps_, [&]<Index height>(Index k, std::integral_constant<Index, height>) {
        add_pixels<T, height, vectors>(x, offsets_.data() + k, dy, field, sums + k * vectors * simd::lanes<T>,
                                       ahead);
      });
    });
  }

  /// The sums as [O, C / groups, KH, KW].
  Array turned(const T* sums, const Shape& shape) const {
    Array dw = Array::uninitialized(shape, dtype_of<T>);
    T* const to = dw.template mutable_data<T>().data();
    const auto taps = static_cast<Index>(g_.phases.front().taps.size());
    parallel_for(shape[0], at_least_one(elements_per_task / steps_), [&](Index o, Index end) {
      for (; o < end; ++o) {
        const auto group = o / g_.channels_to(), channel = o % g_.channels_to();
        const Columns& columns = *std::ranges::find_if(
            columns_, [&](const Columns& c) { return channel < (c.first + c.vectors) * simd::lanes<T>; });
        const auto first = columns.first * simd::lanes<T>, width = columns.vectors * simd::lanes<T>;
        const T* const from = sums + (group * padded_channels() + first) * padded_steps() + channel - first;
        for (Index k = 0; k < steps_; ++k)
          to[o * steps_ + k % g_.channels_from() * taps + k / g_.channels_from()] = from[k * width];
      }
    });
    return dw;
  }

  Correlation g_;
  std::vector<Columns> columns_;
  Bands bands_;
  SeenImages<T> x_, dy_;
  std::vector<Index> offsets_;  // of (tap, channel), from the first input of a window
  Index steps_ = 0, chunks_ = 0, slices_ = 0;
};

}  // namespace

Array weight_gradient_direct(const Array& x, const Array& dy, const Convolution& conv) {
  return dispatch_floating(x.dtype(), [&]<class T>() {
    return WeightGradient<T>(x, dy, conv).run(conv.shape(Convolution::weight));
  });
}

}  // namespace evenkeel::kernels
