// Winograd's convolution forward and back to the input, which is the same with the window turned around.
// Band by band: tiles are transformed, multiplied point by point with the transformed weights of a few output
// channels, and transformed back while these products are in the cache. A tile's sums are chains over its own
// channels, so a sample has the same bits in any batch.

#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/transpose_matrix.h>
#include <evenkeel/core/kernels/winograd_transforms.h>

#include <algorithm>
#include <span>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;
constexpr auto lanes = simd::lanes<float>;

/// A band has about so many tiles; in a small batch a quarter of all, but hardly less than the second number.
constexpr Index band_tiles = 24, least_tiles = 16;
/// The rows of tiles of a band. Its products are computed four tiles at a time at least: one row more, where
/// fewer of those would be computed in vain.
Index rows_of_band(Index tiles, Index across) {
  const auto rows = at_least_one(std::clamp(tiles / 4, least_tiles, band_tiles) / across);
  const auto share_in_vain = [=](Index some) {
    const auto used = some * across;
    return static_cast<double>(ceil_div(used, 4) * 4 - used) / static_cast<double>(used);
  };
  return share_in_vain(rows + 1) < share_in_vain(rows) ? rows + 1 : rows;
}
/// Weights are transformed so many channels at a time.
constexpr Index channels_at_once = 16;

struct Weight {
  const float* values;
  bool transposed;
};

/// add_products for neighbouring tiles of 16 channels: as their distance is a constant, one register points
/// to all and no address needs an index, which is one more operation for a processor of Intel.
template <Index Height, Index Vectors>
[[gnu::always_inline]] inline void add_products_of_16(const float* from, const float* weight,
                                                      Vector<float> (&sums)[Height][Vectors]) {
  from = simd::opaque(from);
#pragma GCC unroll 16
  for (Index k = 0; k < 16; ++k, weight += Vectors * lanes) {
    Vector<float> w[Vectors];
#pragma GCC unroll 3
    for (Index v = 0; v < Vectors; ++v) w[v] = simd::load(weight + v * lanes);
#pragma GCC unroll 8
    for (Index i = 0; i < Height; ++i) {
      const auto value = simd::broadcast(from[i * 16 + k]);
#pragma GCC unroll 3
      for (Index v = 0; v < Vectors; ++v) sums[i][v] = simd::multiply_add(value, w[v], sums[i][v]);
    }
  }
}

template <int M, int R>
class WinogradCorrelation {
 public:
  static constexpr Index points = (M + R - 1) * (M + R - 1), taps = R * R;

  WinogradCorrelation(const Array& from, const Correlation& geometry)
      : g_(geometry),
        columns_(columns_of(ceil_div(g_.to[1], lanes))),
        down_(ceil_div(g_.to[2], M)),
        across_(ceil_div(g_.to[3], M)),
        bands_(g_.from[0], down_, rows_of_band(g_.from[0] * down_ * across_, across_)),
        seen_(from, g_, down_, across_, bands_) {
    const auto tiles = bands_.images() * bands_.rows() * across_;
    inputs_ = Points(tiles, seen_.pixel);
    Index width = 0;
    for (const Columns& columns : columns_) width = std::max(width, columns.vectors * lanes);
    outputs_ = Points(tiles + most_rows_beyond, width);
  }

  void run(const Weight& weight, const float* bias, float* to) {
    const auto count = static_cast<Index>(columns_.size()), blocks = ceil_div(g_.from[1], channels_at_once),
               vectors = columns_.back().first + columns_.back().vectors;
    weights_ = Array::uninitialized({points * lanes * vectors * (g_.from[1] + 1)}, DType::float32);
    transformed_ = weights_.mutable_data<float>().data();
    if (bands_.count() > 1) {
      parallel_for(count * blocks, 2, [&](Index i, Index end) {
        for (; i < end; ++i)
          transform_weights(weight, columns_[static_cast<std::size_t>(i / blocks)], i % blocks);
      });
      parallel_for(bands_.count(), bands_.grain(),
                   [&](Index i, Index end) { correlate(i, end, columns_, bias, to); });
    } else {
      // Threads share the columns, and each finds the weights that it multiplies in its own cache. The cut
      // follows the number of threads, but no sum crosses columns, so no bit does.
      parallel_for(count, ceil_div(count, num_threads()), [&](Index i, Index end) {
        const std::span own(columns_.begin() + i, columns_.begin() + end);
        for (const Columns& columns : own)
          for (Index block = 0; block < blocks; ++block) transform_weights(weight, columns, block);
        correlate(0, 1, own, bias, to);
      });
    }
  }

 private:
  /// Its images and result, to be fetched meanwhile.
  using NextBand = Ahead<const float, float>;

  /// Some bands' results in some columns.
  void correlate(Index i, Index end, std::span<const Columns> some, const float* bias, float* to) const {
    Array buffers = Array::uninitialized({seen_.buffer_size() + points * (inputs_.point + outputs_.point)},
                                         DType::float32);
    float *const image = buffers.mutable_data<float>().data(), *const in = image + seen_.buffer_size(),
                 *const out = in + points * inputs_.point;
    for (; i < end; ++i) {
      const Band band = bands_[i];
      seen_.read(band, image);
      for (Index row = 0; row < band.images * band.rows; ++row)
        transform_input(seen_.row(band, row, image), across_, in + row * across_ * inputs_.tile, inputs_);
      const auto fetches = points * static_cast<Index>(some.size()) *
                           ceil_div(band.images * band.rows * across_, tile_height(2));
      NextBand ahead(fetches, seen_.region(bands_.after(i)), region(bands_.after(i), to));
      for (const Columns& columns : some) {
        with_vectors(columns.vectors, [&]<Index vectors>(std::integral_constant<Index, vectors>) {
          multiply<vectors>(band, columns, in, out, ahead);
        });
        write(band, columns, out, bias, to);
      }
    }
  }

  /// The transformed weights of some columns, [point][channel of from][vector] with zeros beyond the last
  /// channel. A cache line more from point to point, lest all points fall on the same lines of the L1.
  float* weights_of(const Columns& columns) const {
    return transformed_ + points * lanes * columns.first * (g_.from[1] + 1);
  }
  Index weight_pitch(Index vectors) const { return (vectors * g_.from[1] + 1) * lanes; }

  void transform_weights(const Weight& weight, const Columns& columns, Index block) const {
    const auto first = block * channels_at_once, count = std::min(channels_at_once, g_.from[1] - first);
    for (Index v = 0; v < columns.vectors; ++v) {
      float windows[channels_at_once * taps * lanes];
      read_windows(weight, (columns.first + v) * lanes, first, count, windows);
      for (Index c = 0; c < count; ++c) {
        Vector<float> g[taps];
        for (Index tap = 0; tap < taps; ++tap)
          g[tap] = simd::load(windows + (c * taps + (weight.transposed ? taps - 1 - tap : tap)) * lanes);
        transform_weight<M, R>(g, weights_of(columns) + ((first + c) * columns.vectors + v) * lanes,
                               weight_pitch(columns.vectors));
      }
    }
  }
  /// [channel of from][tap][lane], from `channel` of the result and `first` of the other image on.
  void read_windows(const Weight& weight, Index channel, Index first, Index count, float* windows) const {
    const auto in = g_.from[1], out = g_.to[1], valid = std::min(lanes, out - channel);
    if (valid < lanes) std::fill_n(windows, channels_at_once * taps * lanes, 0.F);
    if (!weight.transposed)
      return transpose_matrix(weight.values + (channel * in + first) * taps, in * taps, windows, lanes, valid,
                              count * taps);
    for (Index c = 0; c < count; ++c)
      transpose_matrix(weight.values + ((first + c) * out + channel) * taps, taps, windows + c * taps * lanes,
                       lanes, valid, taps);
  }

  template <Index Vectors>
  void multiply(const Band& band, const Columns& columns, const float* in, float* out,
                NextBand& ahead) const {
    const auto tiles = band.images * band.rows * across_, channels = g_.from[1];
    const Points inputs = inputs_, outputs = outputs_;  // here, stores cannot change them
    const float* weight = weights_of(columns);
    for (Index point = 0; point < points; ++point, weight += weight_pitch(Vectors)) {
      for_each_tile<Vectors>(tiles, [&]<Index height>(Index first, std::integral_constant<Index, height>) {
        ahead.step();
        Vector<float> sums[height][Vectors]{};
        if (channels == 16 && first + height <= tiles) {
          add_products_of_16<height, Vectors>(in + point * inputs.point + first * 16, weight, sums);
        } else {
          const float* from[height];
          for (Index i = 0; i < height; ++i)  // beyond the last tile, compute it again
            from[i] = in + point * inputs.point + std::min(first + i, tiles - 1) * inputs.tile;
          add_products<float, height, Vectors>(from, 0, channels, weight, sums);
        }
        float* const to = out + point * outputs.point + first * outputs.tile;
#pragma GCC unroll 8
        for (Index i = 0; i < height; ++i)
#pragma GCC unroll 3
          for (Index v = 0; v < Vectors; ++v) simd::store(to + i * outputs.tile + v * lanes, sums[i][v]);
      });
    }
  }

  Region<float> region(const Band& band, float* to) const {
    const auto row = g_.to[3] * g_.to[1], rows = std::min(band.rows * M, g_.to[2] - band.row * M);
    return {to + band.image * g_.to.count(1) + band.row * M * row,
            (band.images - 1) * g_.to.count(1) + rows * row};
  }

  void write(const Band& band, const Columns& columns, const float* out, const float* bias, float* to) const {
    const auto channel = columns.first * lanes, channels = g_.to[1];
    const ImageRows at{g_.to[3] * channels, channels};
    for (Index row = 0; row < band.images * band.rows; ++row) {
      const auto image = band.image + row / band.rows, first = (band.row + row % band.rows) * M;
      transform_output<M, R>(
          out + row * across_ * outputs_.tile, outputs_, across_, bias ? bias + channel : nullptr,
          to + image * g_.to.count(1) + first * at.row + channel, at,
          {g_.to[2] - first, g_.to[3], std::min(columns.vectors * lanes, channels - channel)});
    }
  }

  const Correlation& g_;
  std::vector<Columns> columns_;
  Index down_, across_;  // tiles of an image
  Bands bands_;          // of rows of tiles
  TileInputs<M, R> seen_;
  Points inputs_{0, 0}, outputs_{0, 0};
  Array weights_;
  float* transformed_ = nullptr;  // the weights
};

}  // namespace

template <int M, int R>
Array correlate_winograd(const Array& from, const Array& weight, const Array& bias,
                         const Correlation& geometry, bool transposed) {
  Array to = Array::uninitialized(geometry.to, DType::float32, MemoryOrder::channels_last);
  WinogradCorrelation<M, R>(from, geometry)
      .run({weight.data<float>().data(), transposed}, bias.defined() ? bias.data<float>().data() : nullptr,
           to.mutable_stored<float>().data());
  return to;
}
template Array correlate_winograd<2, 3>(const Array&, const Array&, const Array&, const Correlation&, bool);
template Array correlate_winograd<4, 3>(const Array&, const Array&, const Array&, const Correlation&, bool);
template Array correlate_winograd<2, 5>(const Array&, const Array&, const Array&, const Correlation&, bool);

}  // namespace evenkeel::kernels
