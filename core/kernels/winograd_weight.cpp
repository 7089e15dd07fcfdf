// The gradient of the weight by Winograd's convolution. Band by band, tiles of the input and of the output's
// gradient are transformed and, point by point, multiplied into one sum per pair of channels; a chunk's sums
// are transformed back to windows, and the chunks added up at last.

#include <evenkeel/core/kernels/conv_chunks.h>
#include <evenkeel/core/kernels/conv_paths.h>
#include <evenkeel/core/kernels/winograd_transforms.h>

#include <algorithm>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;
constexpr auto lanes = simd::lanes<float>;

constexpr Index band_tiles = 24;
/// A chunk is worth so many tiles. Their sums take about so many elements, in at most so many chunks.
constexpr Index tiles_per_chunk = 128, partial_elements = Index{1} << 21, most_chunks = 8;

template <int M, int R>
class WinogradWeightGradient {
 public:
  static constexpr Index points = (M + R - 1) * (M + R - 1), taps = R * R;

  WinogradWeightGradient(const Array& x, const Array& dy, const Convolution& conv)
      : g_(correlation_of_output(conv)),
        columns_(columns_of(ceil_div(g_.to[1], lanes))),
        down_(ceil_div(g_.to[2], M)),
        across_(ceil_div(g_.to[3], M)),
        bands_(g_.from[0], down_, band_tiles / across_),
        x_(x, g_, down_, across_, bands_),
        dy_(dy, round_up(g_.to[1]), {M, 0, M - 1}, {M, 0, M - 1}, down_, across_, bands_) {
    const auto tiles = bands_.images() * bands_.rows() * across_;
    inputs_ = Points(tiles + 1, x_.pixel);  // the last tile of sums may read beyond its channels
    gradients_ = Points(tiles, dy_.pixel);
    sums_size_ = (g_.from[1] + most_rows_beyond) * dy_.pixel;
    const auto most = std::min({partial_elements / (points * sums_size_), most_chunks, bands_.count()});
    // A power of two, lest threads wait for an odd one.
    while (2 * chunks_ <= most && chunks_ * tiles_per_chunk < g_.from[0] * down_ * across_) chunks_ *= 2;
  }

  Array run(const Shape& shape) const {
    const auto partial = taps * g_.from[1] * dy_.pixel;
    Array partials = Array::uninitialized({chunks_ * partial}, DType::float32);
    float* const windows = partials.mutable_data<float>().data();
    parallel_for(chunks_, 1, [&](Index chunk, Index) {
      Array sums({points * sums_size_}, DType::float32);
      add_bands(bands_.count() * chunk / chunks_, bands_.count() * (chunk + 1) / chunks_,
                sums.mutable_data<float>().data());
      transform_back(sums.data<float>().data(), windows + chunk * partial);
    });
    add_chunks(windows, chunks_, partial);
    return turned(windows, shape);
  }

 private:
  /// Its input and gradient, to be fetched meanwhile.
  using NextBand = Ahead<const float, const float>;
  static Index round_up(Index channels) { return ceil_div(channels, lanes) * lanes; }

  void add_bands(Index first, Index last, float* sums) const {
    // Zeros: what is read beyond the last channel is dropped, but denormals there would cost much time.
    Array buffers({x_.buffer_size() + dy_.buffer_size() + points * (inputs_.point + gradients_.point)},
                  DType::float32);
    float *const image = buffers.mutable_data<float>().data(), *const gradient = image + x_.buffer_size(),
                 *const in = gradient + dy_.buffer_size(), *const out = in + points * inputs_.point;
    for (auto i = first; i < last; ++i) {
      const Band band = bands_[i];
      x_.read(band, image);
      const float* const dy = dy_.read(band, gradient);
      for (Index row = 0; row < band.images * band.rows; ++row) {
        transform_input(x_.row(band, row, image), across_, in + row * across_ * inputs_.tile, inputs_);
        transform_gradient<M, R>(dy + row / band.rows * dy_.image + row % band.rows * M * dy_.row,
                                 {dy_.row, dy_.pixel}, across_, dy_.pixel,
                                 out + row * across_ * gradients_.tile, gradients_);
      }
      const auto tiles = band.images * band.rows * across_;
      const auto fetches =
          points * static_cast<Index>(columns_.size()) * ceil_div(g_.from[1], tile_height(2));
      NextBand ahead(fetches, x_.region(bands_.after(i)), dy_.region(bands_.after(i)));
      for (Index point = 0; point < points; ++point)
        for (const Columns& columns : columns_)
          with_vectors(columns.vectors, [&]<Index vectors>(std::integral_constant<Index, vectors>) {
            multiply<vectors>(tiles, in + point * inputs_.point,
                              out + point * gradients_.point + columns.first * lanes,
                              sums + point * sums_size_ + columns.first * lanes, ahead);
          });
    }
  }

  /// sums[c][o] += over tiles of in[tile][c] * out[tile][o].
  template <Index Vectors>
  void multiply(Index tiles, const float* in, const float* out, float* sums, NextBand& ahead) const {
    for_each_tile<Vectors>(g_.from[1], [&]<Index height>(Index first, std::integral_constant<Index, height>) {
      ahead.step();
      Vector<float> sum[height][Vectors]{};
      const float *from = in + first, *gradient = out;
      for (Index tile = 0; tile < tiles; ++tile, from += inputs_.tile, gradient += gradients_.tile) {
        Vector<float> g[Vectors];
#pragma GCC unroll 3
        for (Index v = 0; v < Vectors; ++v) g[v] = simd::load(gradient + v * lanes);
#pragma GCC unroll 8
        for (Index i = 0; i < height; ++i) {
          const auto value = simd::broadcast(from[i]);
#pragma GCC unroll 3
          for (Index v = 0; v < Vectors; ++v) sum[i][v] = simd::multiply_add(value, g[v], sum[i][v]);
        }
      }
#pragma GCC unroll 8
      for (Index i = 0; i < height; ++i)
#pragma GCC unroll 3
        for (Index v = 0; v < Vectors; ++v) {
          float* const to = sums + (first + i) * dy_.pixel + v * lanes;
          simd::store(to, simd::load(to) + sum[i][v]);
        }
    });
  }

  /// [tap][channel of x][channel of y].
  void transform_back(const float* sums, float* windows) const {
    const auto size = g_.from[1] * dy_.pixel;
    for (Index i = 0; i < size; i += lanes) {
      Vector<float> g[taps];
      transform_weight_gradient<M, R>(sums + i, sums_size_, g);
      for (Index tap = 0; tap < taps; ++tap) simd::store(windows + tap * size + i, g[tap]);
    }
  }

  /// The windows as [O, C, R, R].
  Array turned(const float* windows, const Shape& shape) const {
    Array dw = Array::uninitialized(shape, DType::float32);
    float* const to = dw.mutable_data<float>().data();
    const auto channels = g_.from[1], size = channels * dy_.pixel;
    parallel_for(shape[0], at_least_one(elements_per_task / (taps * channels)), [&](Index o, Index end) {
      for (; o < end; ++o)
        for (Index c = 0; c < channels; ++c)
          for (Index tap = 0; tap < taps; ++tap)
            to[(o * channels + c) * taps + tap] = windows[tap * size + c * dy_.pixel + o];
    });
    return dw;
  }

  Correlation g_;
  std::vector<Columns> columns_;
  Index down_, across_;
  Bands bands_;
  TileInputs<M, R> x_;
  SeenImages<float> dy_;
  Points inputs_{0, 0}, gradients_{0, 0};
  Index sums_size_ = 0, chunks_ = 1;
};

}  // namespace

template <int M, int R>
Array weight_gradient_winograd(const Array& x, const Array& dy, const Convolution& conv) {
  return WinogradWeightGradient<M, R>(x, dy, conv).run(conv.shape(Convolution::weight));
}
template Array weight_gradient_winograd<2, 3>(const Array&, const Array&, const Convolution&);
template Array weight_gradient_winograd<4, 3>(const Array&, const Array&, const Convolution&);
template Array weight_gradient_winograd<2, 5>(const Array&, const Array&, const Convolution&);

}  // namespace evenkeel::kernels
