#pragma once
/// The transforms of tiles between images and the (M + R - 1)^2 matrices of Winograd's convolution, over
/// vectors of channels. All run over the tiles of one row; an image is given by where its first value lies
/// and the distances between rows and pixels.

#include <evenkeel/core/kernels/correlation.h>
#include <evenkeel/core/kernels/register_tile.h>
#include <evenkeel/core/kernels/winograd.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>

namespace evenkeel::kernels {

/// Neighbouring tiles and their (M + R - 1)^2 matrices: the value of point p, tile t, channel c lies at
/// p * point + t * tile + c.
struct Points {
  /// With room for so many tiles. An odd number of cache lines from point to point, lest their matrices fall
  /// on the same lines of the L1.
  Points(std::int64_t tiles, std::int64_t channels)
      : point((ceil_div(tiles * channels, 16) | 1) * 16), tile(channels) {}

  std::int64_t point, tile;
};
struct ImageRows {
  std::int64_t row, pixel;
};

/// What a row of tiles sees: rows of pixels, of which the columns [0, width) exist; others are 0. Its first
/// tile begins at the column `first`.
template <int M, int R>
struct SeenTiles {
  const float* rows[M + R - 1];
  std::int64_t first, width, pixel;
};

/// The images that a convolution reads, as rows of tiles see them: where they lie if their channels are whole
/// vectors, else copies with zeros between the pixels.
template <int M, int R>
class TileInputs {
 public:
  TileInputs(const Array& images, const Correlation& g, std::int64_t down, std::int64_t across,
             const Bands& bands)
      : pixel(ceil_div(g.from[1], simd::lanes<float>) * simd::lanes<float>),
        images_(images.stored<float>().data()),
        height_(g.from[2]),
        width_(g.from[3]),
        rows_(tiled(g.rows)),
        columns_(tiled(g.columns)),
        copied_(pixel != g.from[1]),
        seen_(images, pixel, rows_, columns_, down, across, bands),
        zeros_({copied_ ? 0 : width_ * pixel}, DType::float32) {}

  std::int64_t buffer_size() const { return copied_ ? seen_.buffer_size() : 0; }
  Region<const float> region(const Band& band) const { return seen_.region(band); }
  /// What `row` asks of the buffer.
  void read(const Band& band, float* buffer) const {
    if (copied_) seen_.read(band, buffer);
  }
  /// The row of tiles so many after the band's first.
  SeenTiles<M, R> row(const Band& band, std::int64_t row, const float* buffer) const {
    const auto image = row / band.rows, tile = row % band.rows;
    SeenTiles<M, R> seen{{}, copied_ ? 0 : columns_.low, copied_ ? seen_.row / pixel : width_, pixel};
    for (std::int64_t i = 0; i < M + R - 1; ++i) {
      const auto at = (band.row + tile) * M + rows_.low + i;
      if (copied_)
        seen.rows[i] = buffer + image * seen_.image + (tile * M + i) * seen_.row;
      else if (at < 0 || at >= height_)
        seen.rows[i] = zeros_.template data<float>().data();
      else
        seen.rows[i] = images_ + ((band.image + image) * height_ + at) * width_ * pixel;
    }
    return seen;
  }

  const std::int64_t pixel;  // channels, up to whole vectors

 private:
  static Reach tiled(const Reach& window) { return {M, window.low, window.low + M + R - 2}; }

  const float* images_;
  std::int64_t height_, width_;
  Reach rows_, columns_;
  bool copied_;
  SeenImages<float> seen_;
  Array zeros_;  // a row
};

/// A column of pixels.
template <bool inside, int M, int R>
[[gnu::always_inline]] inline void load_column(const SeenTiles<M, R>& from, std::int64_t column,
                                               std::int64_t channel, simd::Vector<float>* d) {
  constexpr int size = M + R - 1;
  const bool exists = inside || (column >= 0 && column < from.width);
  const auto at = exists ? column * from.pixel + channel : 0;
#pragma GCC unroll 6
  for (int row = 0; row < size; ++row)
    d[row] = exists ? simd::load(from.rows[row] + at) : simd::Vector<float>{};
}

/// One tile; `column` is the first that its neighbour has not handed on.
template <bool inside, int M, int R>
[[gnu::always_inline]] inline void transform_tile(const SeenTiles<M, R>& from, std::int64_t column,
                                                  std::int64_t channel,
                                                  simd::Vector<float> (&handed_on)[(M + R - 1) / 2][R - 1][2],
                                                  float* point, std::int64_t pitch) {
  using W = Winograd<M, R>;
  constexpr int size = M + R - 1, pairs = size / 2, shared = R - 1;
  pitch = simd::opaque(pitch);
#pragma GCC unroll 3
  for (int pair = 0; pair < pairs; ++pair) {  // two rows at a time fit the registers
    simd::Vector<float> rows[2][size], d[size];
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
#pragma GCC unroll 4
      for (int k = 0; k < shared; ++k) rows[i][k] = handed_on[pair][k][i];
#pragma GCC unroll 4
    for (int k = shared; k < size; ++k) {
      load_column<inside>(from, column + k - shared, channel, d);
      const auto both = W::input(pair, d);
      rows[0][k] = both[0];
      rows[1][k] = both[1];
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i) {
#pragma GCC unroll 3
      for (int across = 0; across < pairs; ++across) {
        const auto both = W::input(across, rows[i]);
#pragma GCC unroll 2
        for (int j = 0; j < 2; ++j)
          simd::store(point + (W::input_rows[pair][i] * size + W::input_rows[across][j]) * pitch, both[j]);
      }
#pragma GCC unroll 4
      for (int k = 0; k < shared; ++k) handed_on[pair][k][i] = rows[i][M + k];
    }
  }
}

/// B^T d B. Neighbouring tiles share R - 1 columns of pixels; these are transformed once and handed on.
template <int M, int R>
void transform_input(const SeenTiles<M, R>& from, std::int64_t tiles, float* points, Points to) {
  constexpr int size = M + R - 1, pairs = size / 2, shared = R - 1;
  for (std::int64_t channel = 0; channel < from.pixel; channel += simd::lanes<float>) {
    simd::Vector<float> handed_on[pairs][shared][2], d[size];  // [pair][column][row of the pair]
    auto column = from.first;
#pragma GCC unroll 4
    for (int k = 0; k < shared; ++k, ++column) {
      load_column<false>(from, column, channel, d);
#pragma GCC unroll 3
      for (int pair = 0; pair < pairs; ++pair) {
        const auto rows = Winograd<M, R>::input(pair, d);
        handed_on[pair][k][0] = rows[0];
        handed_on[pair][k][1] = rows[1];
      }
    }
    for (std::int64_t tile = 0; tile < tiles; ++tile, column += M) {
      float* const point = points + tile * to.tile + channel;
      if (column >= 0 && column + M <= from.width)
        transform_tile<true>(from, column, channel, handed_on, point, to.point);
      else
        transform_tile<false>(from, column, channel, handed_on, point, to.point);
    }
  }
}

/// A^T m A of one tile and vector of channels, plus `shift`; store(to, v) writes a vector of the whole tile.
template <int M, int R, class Store>
[[gnu::always_inline]] inline void transform_back(const float* point, std::int64_t pitch,
                                                  simd::Vector<float> shift, float* to, ImageRows at,
                                                  Store store) {
  using W = Winograd<M, R>;
  constexpr int size = M + R - 1, pairs = M / 2;
  pitch = simd::opaque(pitch);
#pragma GCC unroll 2
  for (int pair = 0; pair < pairs; ++pair) {
    simd::Vector<float> half[2][size], m[size];
#pragma GCC unroll 6
    for (int row = 0; row < size; ++row) {
#pragma GCC unroll 6
      for (int column = 0; column < size; ++column)
        m[column] = simd::load(point + (row * size + column) * pitch);
      const auto both = W::output(pair, m);
      half[0][row] = both[0];
      half[1][row] = both[1];
    }
#pragma GCC unroll 2
    for (int i = 0; i < 2; ++i)
#pragma GCC unroll 2
      for (int down = 0; down < pairs; ++down) {
        const auto both = W::output(down, half[i]);
#pragma GCC unroll 2
        for (int j = 0; j < 2; ++j)
          store(to + W::output_rows[down][j] * at.row + W::output_rows[pair][i] * at.pixel, both[j] + shift);
      }
  }
}

/// What a row of tiles may write: so many rows and columns of pixels, so many channels.
struct Extent {
  std::int64_t rows, columns, channels;
};

/// A^T m A, plus the bias unless that is null.
template <int M, int R>
void transform_output(const float* points, Points from, std::int64_t tiles, const float* bias, float* image,
                      ImageRows at, Extent extent) {
  constexpr auto n = simd::lanes<float>;
  for (std::int64_t tile = 0; tile < tiles; ++tile)
    for (std::int64_t channel = 0; channel < extent.channels; channel += n) {
      const float* const point = points + tile * from.tile + channel;
      float* const to = image + tile * M * at.pixel + channel;
      const auto valid = std::min(n, extent.channels - channel);
      const auto shift = bias ? simd::load_some(bias + channel, valid) : simd::Vector<float>{};
      const auto rows = std::min<std::int64_t>(M, extent.rows),
                 columns = std::min<std::int64_t>(M, extent.columns - tile * M);
      const auto store = [](float* pixel, simd::Vector<float> v) { simd::store(pixel, v); };
      if (rows == M && columns == M && (valid == n || simd::has_masks)) {
        if (valid == n)
          transform_back<M, R>(point, from.point, shift, to, at, store);
        else
          transform_back<M, R>(point, from.point, shift, to, at, [=](float* pixel, simd::Vector<float> v) {
            simd::store_some(pixel, v, valid);
          });
        continue;
      }
      float whole[M * M * n];
      transform_back<M, R>(point, from.point, shift, whole, {M * n, n}, store);
      for (std::int64_t row = 0; row < rows; ++row)
        for (std::int64_t column = 0; column < columns; ++column)
          std::copy_n(whole + (row * M + column) * n, valid, to + row * at.row + column * at.pixel);
    }
}

/// A dy A^T, the adjoint of transform_output.
template <int M, int R>
void transform_gradient(const float* image, ImageRows at, std::int64_t tiles, std::int64_t channels,
                        float* points, Points to) {
  using W = Winograd<M, R>;
  using Vector = simd::Vector<float>;
  constexpr int size = M + R - 1, pairs = size / 2;
  for (std::int64_t tile = 0; tile < tiles; ++tile)
    for (std::int64_t channel = 0; channel < channels; channel += simd::lanes<float>) {
      const float* const pixel = image + tile * M * at.pixel + channel;
      float* const point = points + tile * to.tile + channel;
#pragma GCC unroll 3
      for (int pair = 0; pair < pairs; ++pair) {
        Vector half[2][M], y[M];
#pragma GCC unroll 4
        for (int row = 0; row < M; ++row) {
#pragma GCC unroll 4
          for (int column = 0; column < M; ++column)
            y[column] = simd::load(pixel + row * at.row + column * at.pixel);
          const auto both = W::output_adjoint(pair, y);
          half[0][row] = both[0];
          half[1][row] = both[1];
        }
#pragma GCC unroll 2
        for (int i = 0; i < 2; ++i)
#pragma GCC unroll 3
          for (int down = 0; down < pairs; ++down) {
            const auto both = W::output_adjoint(down, half[i]);
#pragma GCC unroll 2
            for (int j = 0; j < 2; ++j)
              simd::store(point + (W::input_rows[down][j] * size + W::input_rows[pair][i]) * to.point,
                          both[j]);
          }
      }
    }
}

/// G g G^T for vectors g[R * R] of weights.
template <int M, int R>
void transform_weight(const simd::Vector<float>* g, float* points, std::int64_t point) {
  using W = Winograd<M, R>;
  constexpr int size = M + R - 1;
  simd::Vector<float> down[size][R];
#pragma GCC unroll 6
  for (int row = 0; row < size; ++row)
#pragma GCC unroll 5
    for (int j = 0; j < R; ++j) {
      down[row][j] = W::weight[row][0] * g[j];
#pragma GCC unroll 5
      for (int i = 1; i < R; ++i) down[row][j] += W::weight[row][i] * g[i * R + j];
    }
#pragma GCC unroll 6
  for (int row = 0; row < size; ++row)
#pragma GCC unroll 6
    for (int column = 0; column < size; ++column) {
      auto value = W::weight[column][0] * down[row][0];
#pragma GCC unroll 5
      for (int j = 1; j < R; ++j) value += W::weight[column][j] * down[row][j];
      simd::store(points + (row * size + column) * point, value);
    }
}

/// G^T u G, its adjoint, into vectors g[R * R].
template <int M, int R>
void transform_weight_gradient(const float* points, std::int64_t point, simd::Vector<float>* g) {
  using W = Winograd<M, R>;
  constexpr int size = M + R - 1;
  simd::Vector<float> down[R][size]{};
#pragma GCC unroll 6
  for (int column = 0; column < size; ++column)
#pragma GCC unroll 6
    for (int row = 0; row < size; ++row) {
      const auto u = simd::load(points + (row * size + column) * point);
#pragma GCC unroll 5
      for (int i = 0; i < R; ++i) down[i][column] += W::weight[row][i] * u;
    }
#pragma GCC unroll 5
  for (int i = 0; i < R; ++i)
#pragma GCC unroll 5
    for (int j = 0; j < R; ++j) {
      g[i * R + j] = W::weight[0][j] * down[i][0];
#pragma GCC unroll 6
      for (int column = 1; column < size; ++column) g[i * R + j] += W::weight[column][j] * down[i][column];
    }
}

}  // namespace evenkeel::kernels
