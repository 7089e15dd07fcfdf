// Direct convolution, forward and back to the input. A tile of the result, a few pixels by a few vectors of
// channels, stays in registers while the taps pass by: per tap and channel, one value of each pixel times a
// vector of weights. Which pixels and taps is a matter of two tables of offsets, made once for all bands; so
// strides, dilations, groups and small images all run the same loop. The sum of a result is one chain of
// multiply-adds, taps by row and column, then channels, whatever tile or band it lies in.

#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/register_tile.h>

#include <algorithm>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;

/// So many steps at a time, their weights stay in the L1.
constexpr Index most_steps = 16384 / (2 * simd::vector_bytes);
/// A band's images and its work are at most about as large as this; a batch of fewer bands than the last
/// number is cut into so many, unless they would have fewer than `least_products`.
constexpr Index band_elements = 16384, band_products = Index{1} << 22, least_products = Index{1} << 18,
                bands_of_small_batch = 8;

struct Pixel {
  Index from, to;
};
/// Neighbouring values of the image that meet neighbouring rows of weights.
struct Run {
  Index offset, length;
};
/// Runs that are summed before the next tile is looked at.
struct Piece {
  std::vector<Run> runs;
  Index steps = 0;
};

/// The runs of a pixel's taps, cut into pieces.
std::vector<Piece> pieces_of(const std::vector<Run>& runs) {
  std::vector<Piece> pieces(1);
  for (Run run : runs)
    while (run.length > 0) {
      const auto cut = std::min(run.length, most_steps);
      if (pieces.back().steps + cut > most_steps) pieces.emplace_back();
      pieces.back().runs.push_back({run.offset, cut});
      pieces.back().steps += cut;
      run = {run.offset + cut, run.length - cut};
    }
  return pieces;
}

template <class T>
struct Tile {
  const T* from;
  const T* weight;  // [step][vector]
  T* to;
  Index columns;  // of the result; the last vector may be partly beyond
  const Piece* piece;
  bool first;     // begin from 0, not from the result
  const T* bias;  // to be added, or null
};

/// Steps of a tile between which a little of the next band is fetched.
constexpr Index steps_of_fetch = 16;
/// The next band's images and result.
template <class T>
using NextBand = Ahead<const T, T>;

template <class T, Index Vectors>
void multiply_tile(const Tile<T>& tile, const Pixel* pixels, Index count, NextBand<T>& ahead) {
  constexpr auto height = tile_height(Vectors), n = simd::lanes<T>;
  const auto whole = tile.columns / n, rest = tile.columns % n;
  const T* from[height];
  T* to[height];
#pragma GCC unroll 8
  for (Index i = 0; i < height; ++i) {  // beyond the last pixel, compute it again
    const Pixel& pixel = pixels[std::min(i, count - 1)];
    from[i] = tile.from + pixel.from;
    to[i] = tile.to + pixel.to;
  }
  Vector<T> sums[height][Vectors]{};
  if (!tile.first)
#pragma GCC unroll 8
    for (Index i = 0; i < height; ++i)
#pragma GCC unroll 3
      for (Index v = 0; v < Vectors; ++v)
        sums[i][v] = v < whole ? simd::load(to[i] + v * n) : simd::load_some(to[i] + v * n, rest);
  const T* weight = tile.weight;
  ahead.step();
  for (const Run& run : tile.piece->runs) {
    for (Index k = run.offset, end = k + run.length; k < end; k += steps_of_fetch) {
      if (k > run.offset) ahead.step();
      weight = add_products<T, height, Vectors>(from, k, std::min(k + steps_of_fetch, end), weight, sums);
    }
  }
  if (tile.bias)
#pragma GCC unroll 3
    for (Index v = 0; v < Vectors; ++v) {
      const auto bias = v < whole ? simd::load(tile.bias + v * n) : simd::load_some(tile.bias + v * n, rest);
#pragma GCC unroll 8
      for (Index i = 0; i < height; ++i) sums[i][v] = sums[i][v] + bias;
    }
#pragma GCC unroll 8
  for (Index i = 0; i < height; ++i)
#pragma GCC unroll 3
    for (Index v = 0; v < Vectors; ++v)
      if (v < whole)
        simd::store(to[i] + v * n, sums[i][v]);
      else
        simd::store_some(to[i] + v * n, sums[i][v], rest);
}

template <class T, Index Vectors>
void multiply_tiles(const Tile<T>& tile, const Pixel* pixels, Index count, NextBand<T>& ahead) {
  for (Index p = 0; p < count; p += tile_height(Vectors))
    multiply_tile<T, Vectors>(tile, pixels + p, count - p, ahead);
}

/// A weight as a map between channels: element (tap, from, to) of a group.
template <class T>
struct ChannelMap {
  ChannelMap(const Array& weight, Index groups, bool transposed) : data(weight.data<T>().data()) {
    const auto taps = weight.shape().count(2), outputs = weight.shape().count(1);
    group = weight.size() / groups;
    from = transposed ? outputs : taps;
    to = transposed ? taps : outputs;
  }
  const T* data;
  Index group, from, to;  // distances
};

/// One phase, prepared for all bands.
template <class T>
class PhaseKernel {
 public:
  PhaseKernel(const Correlation& geometry, const Phase& phase, const SeenImages<T>& seen, const Bands& bands,
              const ChannelMap<T>& weight)
      : g_(geometry), phase_(phase), columns_(columns_of(ceil_div(g_.channels_to(), simd::lanes<T>))) {
    find_pixels(seen, bands);
    find_pieces(seen);
    pack(weight);
  }

  /// Computes the phase's pixels of a band. `from` is what SeenImages::read gave, `to` all of the result.
  void run(const Band& band, const T* from, const T* bias, T* to, NextBand<T>& ahead) const {
    const auto rows = std::min(band.rows, phase_.rows - band.row);
    if (rows <= 0) return;
    const auto count = band.images * rows * phase_.columns;
    to += band.image * g_.to.count(1) + pixel(band.row * g_.spread.height + phase_.row, phase_.column);
    for (Index group = 0; group < g_.groups; ++group)
      for (const Columns& columns : columns_) {
        const auto channel = columns.first * simd::lanes<T>;
        const T* weight = weights_of(group, columns);
        for (const Piece& piece : pieces_) {
          const Tile<T> tile{
              from + group * g_.channels_from(),
              weight,
              to + group * g_.channels_to() + channel,
              std::min(columns.vectors * simd::lanes<T>, g_.channels_to() - channel),
              &piece,
              &piece == &pieces_.front(),
              bias && &piece == &pieces_.back() ? bias + group * g_.channels_to() + channel : nullptr};
          with_vectors(columns.vectors, [&]<Index vectors>(std::integral_constant<Index, vectors>) {
            multiply_tiles<T, vectors>(tile, pixels_.data(), count, ahead);
          });
          weight += piece.steps * columns.vectors * simd::lanes<T>;
        }
      }
  }

  /// How often a band of the result steps ahead.
  Index fetches() const {
    Index of_tile = 0, tiles = 0;
    for (const Piece& piece : pieces_) {
      ++of_tile;
      for (const Run& run : piece.runs) of_tile += ceil_div(run.length, steps_of_fetch) - 1;
    }
    for (const Columns& columns : columns_)
      tiles += ceil_div(static_cast<Index>(pixels_.size()), tile_height(columns.vectors));
    return g_.groups * tiles * of_tile;
  }

 private:
  Index pixel(Index row, Index column) const { return (row * g_.to[3] + column) * g_.to[1]; }
  Index steps() const { return static_cast<Index>(phase_.taps.size()) * g_.channels_from(); }
  Index padded_channels() const { return (columns_.back().first + columns_.back().vectors) * simd::lanes<T>; }
  T* weights_of(Index group, const Columns& columns) const {
    return packed_data_ + (group * padded_channels() + columns.first * simd::lanes<T>)*steps();
  }

  void find_pixels(const SeenImages<T>& seen, const Bands& bands) {
    const auto rows = std::min(bands.rows(), phase_.rows);
    for (Index image = 0; image < bands.images(); ++image)
      for (Index i = 0; i < rows; ++i)
        for (Index j = 0; j < phase_.columns; ++j)
          pixels_.push_back(
              {image * seen.image + i * g_.step.height * seen.row + j * g_.step.width * seen.pixel,
               image * g_.to.count(1) + pixel(i * g_.spread.height, j * g_.spread.width)});
  }

  void find_pieces(const SeenImages<T>& seen) {
    std::vector<Run> runs;
    for (const Tap& tap : phase_.taps) {
      const Run run{(tap.row - g_.rows.low) * seen.row + (tap.column - g_.columns.low) * seen.pixel,
                    g_.channels_from()};
      if (!runs.empty() && runs.back().offset + runs.back().length == run.offset)
        runs.back().length += run.length;
      else
        runs.push_back(run);
    }
    pieces_ = pieces_of(runs);
  }

  /// Weights as the tiles read them: [group][columns][step][vector], zeros beyond the last channel.
  void pack(const ChannelMap<T>& weight) {
    packed_ = Array::uninitialized({g_.groups * padded_channels() * steps()}, dtype_of<T>);
    packed_data_ = packed_.template mutable_data<T>().data();
    const auto blocks = static_cast<Index>(columns_.size());
    parallel_for(g_.groups * blocks, at_least_one(elements_per_task / (2 * simd::lanes<T> * steps())),
                 [&](Index block, Index end) {
                   for (; block < end; ++block)
                     pack(weight, block / blocks, columns_[static_cast<std::size_t>(block % blocks)]);
                 });
  }
  void pack(const ChannelMap<T>& weight, Index group, const Columns& columns) const {
    const auto first = columns.first * simd::lanes<T>, width = columns.vectors * simd::lanes<T>,
               valid = std::min(width, g_.channels_to() - first);
    const T* const of_group = weight.data + group * weight.group + first * weight.to;
    T* to = weights_of(group, columns);
    for (const Tap& tap : phase_.taps)
      for (Index c = 0; c < g_.channels_from(); ++c, to += width) {
        const T* const from = of_group + c * weight.from + tap.weight;
        for (Index j = 0; j < valid; ++j) to[j] = from[j * weight.to];
        std::fill(to + valid, to + width, T{0});
      }
  }

  const Correlation& g_;
  const Phase& phase_;
  std::vector<Columns> columns_;
  std::vector<Pixel> pixels_;
  std::vector<Piece> pieces_;
  Array packed_;
  T* packed_data_ = nullptr;
};

/// Every pixel the bias, or 0.
template <class T>
void fill_pixels(Array& to, const T* bias) {
  const auto channels = to.shape()[1];
  T* const values = to.mutable_stored<T>().data();
  parallel_for(to.size() / channels, at_least_one(elements_per_task / channels), [&](Index i, Index end) {
    for (; i < end; ++i)
      if (bias)
        std::copy_n(bias, channels, values + i * channels);
      else
        std::fill_n(values + i * channels, channels, T{0});
  });
}

/// What a band of the result will write.
template <class T>
Region<T> region(const Band& band, const Correlation& g, T* to) {
  const auto image = g.to.count(1), row = g.to[3] * g.to[1], first = band.row * g.spread.height,
             rows = std::min(band.rows * g.spread.height, g.to[2] - first);
  return {to + band.image * image + first * row, (band.images - 1) * image + rows * row};
}

template <class T>
void correlate(const Array& from, const Array& weight, const T* bias, const Correlation& g, bool transposed,
               Array& to) {
  if (!g.covers || g.channels_from() == 0) fill_pixels(to, bias);
  if (g.phases.empty() || g.channels_from() == 0) return;
  const auto rows = ceil_div(g.to[2], g.spread.height), columns = ceil_div(g.to[3], g.spread.width);
  const auto row_elements = g.rows.step * g.columns.length(columns) * g.from[1];
  const auto row_products =
      at_least_one(g.to[3] * g.spread.height * weight.size() / (g.spread.height * g.spread.width));
  const auto shared = std::max(g.from[0] * rows / bands_of_small_batch, least_products / row_products);
  const Bands bands(g.from[0], rows,
                    std::min({band_elements / row_elements, band_products / row_products, shared}));
  const SeenImages<T> seen(from, g.from[1], g.rows, g.columns, rows, columns, bands);
  const ChannelMap<T> map(weight, g.groups, transposed);
  std::vector<PhaseKernel<T>> kernels;
  for (const Phase& phase : g.phases) kernels.emplace_back(g, phase, seen, bands, map);
  Index fetches = 0;
  for (const auto& kernel : kernels) fetches += kernel.fetches();
  T* const result = to.mutable_stored<T>().data();
  parallel_for(bands.count(), bands.grain(), [&](Index i, Index end) {
    Array buffer = Array::uninitialized({seen.buffer_size()}, dtype_of<T>);
    for (; i < end; ++i) {
      const Band band = bands[i];
      const T* const images = seen.read(band, buffer.mutable_data<T>().data());
      NextBand<T> ahead(fetches, seen.region(bands.after(i)), region(bands.after(i), g, result));
      for (const auto& kernel : kernels) kernel.run(band, images, bias, result, ahead);
    }
  });
}

}  // namespace

Array correlate_direct(const Array& from, const Array& weight, const Array& bias, const Correlation& geometry,
                       bool transposed) {
  Array to = Array::uninitialized(geometry.to, from.dtype(), MemoryOrder::channels_last);
  dispatch_floating(from.dtype(), [&]<class T>() {
    correlate<T>(from, weight, bias.defined() ? bias.data<T>().data() : nullptr, geometry, transposed, to);
  });
  return to;
}

}  // namespace evenkeel::kernels
