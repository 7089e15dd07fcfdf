// Every element of a product is summed in one order, whichever path computes it: a chain of multiply-adds
// over k within each piece of `depth` steps, then the pieces from first to last, then the bias. So the bits
// of a row depend neither on the other rows nor on the threads, and small products may skip all packing.
//
// Large products: both operands are packed into strips, b (as wide as a tile) once for all, a (as high as a
// tile) block by block by the task that needs it; a tile of the result stays in registers for a whole piece
// of k.

#include <evenkeel/core/kernels/matmul.h>
#include <evenkeel/core/kernels/simd.h>
#include <evenkeel/core/kernels/transpose_matrix.h>
#include <evenkeel/core/parallel.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {
namespace {

using Index = std::int64_t;
using simd::Vector;

/// Steps of a piece: a tile's columns of them take 16 or 32 KiB.
constexpr Index depth = 256;
/// Rows of a tile: with two vectors across, the accumulators fill three quarters of the registers. The last
/// tiles of a block have fewer.
constexpr Index tile_rows = simd::vector_bytes == 64 ? 12 : 6, fewer_rows = tile_rows * 2 / 3;
template <class T>
constexpr Index tile_columns = 2 * simd::lanes<T>;
/// A task computes at most so many rows: a packed block of `a` stays in the L2. There are about so many
/// tasks, each with at least so many tiles across, lest packing its rows cost too much, or half of all where
/// there are fewer than twice as many.
constexpr Index block_rows = 8 * tile_rows, tasks = 32, block_tiles = 25;
/// Blocks have a multiple of so many rows: tiles of 8 or 12 with vectors of 64 bytes, of 6 with smaller ones.
constexpr Index rows_together = simd::vector_bytes == 64 ? 4 : 2 * tile_rows;
static_assert(block_rows % rows_together == 0);
/// Products of so few multiplications are done before packing would be.
constexpr Index few = 4096;

/// A matrix as it lies.
template <class T>
struct Operand {
  const T* data;
  Index row, column;  // distances between neighbours, one of which is 1
  T operator()(Index r, Index c) const { return data[r * row + c * column]; }
};

template <class T>
struct Product {
  Operand<T> a, b;
  const T* bias;  // of each column, or null
  T* c;
  Index m, k, n;

  Index pieces() const { return ceil_div(k, depth); }
  Index steps(Index piece) const { return std::min(depth, k - piece * depth); }
};

template <class T>
void multiply_small(const Product<T>& p) {
  for (Index i = 0; i < p.m; ++i)
    for (Index j = 0; j < p.n; ++j) {
      T total = 0;
      for (Index piece = 0; piece < p.pieces(); ++piece) {
        T sum = 0;
        for (Index k = piece * depth, end = k + p.steps(piece); k < end; ++k)
          sum = simd::multiply_add(p.a(i, k), p.b(k, j), sum);
        total = piece == 0 ? sum : total + sum;
      }
      p.c[i * p.n + j] = p.bias ? total + p.bias[j] : total;
    }
}

/// Where a tile of a piece belongs: written by the first piece, added by the others.
template <class T>
struct Target {
  T* c;
  Index row, columns;  // elements to the next row, and how many columns there are
  bool first;
  const T* bias;

  [[gnu::always_inline]] void put(Index i, Vector<T> left, Vector<T> right) const {
    constexpr auto n = simd::lanes<T>;
    T* const to = c + i * row;
    if (columns == 2 * n) {
      if (!first) left += simd::load(to), right += simd::load(to + n);
      if (bias) left += simd::load(bias), right += simd::load(bias + n);
      simd::store(to, left);
      simd::store(to + n, right);
      return;
    }
    T values[2 * n];
    simd::store(values, left);
    simd::store(values + n, right);
    for (Index j = 0; j < columns; ++j) {
      if (!first) values[j] += to[j];
      to[j] = bias ? values[j] + bias[j] : values[j];
    }
  }
};

/// Rows x two vectors of a piece: a is packed [steps][Rows], b [steps][tile_columns].
template <class T, Index Rows>
[[gnu::always_inline]] inline void multiply_tile(const T* a, const T* b, Index steps, const Target<T>& to) {
  constexpr auto n = simd::lanes<T>;
  Vector<T> left[Rows]{}, right[Rows]{};
#pragma GCC unroll 4
  for (Index k = 0; k < steps; ++k, a += Rows, b += 2 * n) {
    const auto b0 = simd::load(b), b1 = simd::load(b + n);
    if constexpr (simd::vector_bytes == 64) {  // linear takes up to 7 % less so; AVX2 code up to a tenth more
      __builtin_prefetch(b + 16 * n);
      __builtin_prefetch(b + 17 * n);
    }
#pragma GCC unroll 12
    for (Index i = 0; i < Rows; ++i) {
      const auto factor = simd::broadcast(a[i]);
      left[i] = simd::multiply_add(factor, b0, left[i]);
      right[i] = simd::multiply_add(factor, b1, right[i]);
    }
  }
#pragma GCC unroll 12
  for (Index i = 0; i < Rows; ++i) to.put(i, left[i], right[i]);
}

/// body(height) with the height of a tile as a constant.
template <class Body>
[[gnu::always_inline]] inline void with_height(Index rows, Body body) {
  if (rows == tile_rows) return body(std::integral_constant<Index, tile_rows>());
  if constexpr (fewer_rows != 4)
    if (rows == fewer_rows) return body(std::integral_constant<Index, fewer_rows>());
  if (rows == 4) return body(std::integral_constant<Index, 4>());
  if (rows == 2) return body(std::integral_constant<Index, 2>());
  body(std::integral_constant<Index, 1>());
}

/// The height of the next tile where so many rows are left. 16 are two tiles of 8 rather than one of 12 and
/// one of 4, which takes longer for each row; with vectors of 32 bytes, 8 are two tiles of 4.
Index next_height(Index rows) {
  const bool two_are_enough = rows >= 2 * fewer_rows && rows < tile_rows + fewer_rows;
  if (rows >= tile_rows && !two_are_enough) return tile_rows;
  return rows >= fewer_rows ? fewer_rows : rows >= 4 ? 4 : rows >= 2 ? 2 : 1;
}

/// Columns [first, first + tile_columns) of steps [begin, end) of b, zeros beyond the last column.
template <class T>
void pack_columns(const Operand<T>& b, Index n, Index first, Index begin, Index end, T* to) {
  constexpr auto width = tile_columns<T>;
  const auto columns = std::min(width, n - first);
  if (b.column == 1 && columns == width) {
    for (Index k = begin; k < end; ++k, to += width)
      std::memcpy(to, b.data + k * b.row + first, static_cast<std::size_t>(width) * sizeof(T));
    return;
  }
  if (columns < width) std::fill_n(to, (end - begin) * width, T{0});
  if (b.row == 1)
    return transpose_matrix(b.data + first * b.column + begin, b.column, to, width, columns, end - begin);
  for (Index k = begin; k < end; ++k, to += width) std::copy_n(b.data + k * b.row + first, columns, to);
}

/// Rows [first, last) of steps [begin, end) of a, tile by tile.
template <class T>
void pack_rows(const Operand<T>& a, Index first, Index last, Index begin, Index end, T* to) {
  for (Index height; first < last; first += height, to += height * (end - begin)) {
    height = next_height(last - first);
    if (a.column == 1)
      transpose_matrix(a.data + first * a.row + begin, a.row, to, height, height, end - begin);
    else
      with_height(height, [&]<Index rows>(std::integral_constant<Index, rows>) {
        for (Index k = begin; k < end; ++k)
          std::memcpy(to + (k - begin) * rows, a.data + first + k * a.column, rows * sizeof(T));
      });
  }
}

/// All of b: [piece][tile across][step][column].
template <class T>
class PackedColumns {
 public:
  explicit PackedColumns(const Product<T>& p)
      : across(ceil_div(p.n, tile_columns<T>)),
        values_(Array::uninitialized({across * tile_columns<T> * p.k}, dtype_of<T>)),
        to_(values_.template mutable_data<T>().data()) {
    const auto strip_size = tile_columns<T> * std::min(p.k, depth);
    parallel_for(p.pieces() * across, at_least_one(elements_per_task / strip_size), [&](Index i, Index end) {
      for (; i < end; ++i) {
        const auto tile = i / p.pieces(), piece = i % p.pieces(), begin = piece * depth;
        pack_columns(p.b, p.n, tile * tile_columns<T>, begin, begin + p.steps(piece),
                     to_ + offset(p, piece, tile));
      }
    });
  }
  const T* strip(const Product<T>& p, Index piece, Index tile) const { return to_ + offset(p, piece, tile); }

  const Index across;

 private:
  Index offset(const Product<T>& p, Index piece, Index tile) const {
    return (piece * depth * across + tile * p.steps(piece)) * tile_columns<T>;
  }
  Array values_;
  T* to_;
};

template <class T>
void multiply_packed(const Product<T>& p) {
  constexpr auto width = tile_columns<T>;
  const PackedColumns<T> columns(p);
  const auto multiply_block = [&](Index first_row, Index last_row, Index first_tile, Index last_tile) {
    static thread_local std::vector<T> packed_rows(static_cast<std::size_t>(block_rows * depth));
    for (Index piece = 0; piece < p.pieces(); ++piece) {
      const auto steps = p.steps(piece);
      pack_rows(p.a, first_row, last_row, piece * depth, piece * depth + steps, packed_rows.data());
      const T* const bias = piece + 1 == p.pieces() ? p.bias : nullptr;
      for (Index tile = first_tile; tile < last_tile; ++tile) {
        const T* rows = packed_rows.data();
        for (Index i = first_row, height; i < last_row; i += height, rows += height * steps) {
          height = next_height(last_row - i);
          const Target<T> to{p.c + i * p.n + tile * width, p.n, std::min(width, p.n - tile * width),
                             piece == 0, bias ? bias + tile * width : nullptr};
          with_height(height, [&]<Index count>(std::integral_constant<Index, count>) {
            multiply_tile<T, count>(rows, columns.strip(p, piece, tile), steps, to);
          });
        }
      }
    }
  };
  // Eight blocks down where there are rows for them, and so wide that the packing of their rows pays.
  const auto blocks =
      std::max(ceil_div(p.m, block_rows), std::clamp(p.m / (2 * tile_rows), Index{1}, Index{8}));
  const auto rows = ceil_div(ceil_div(p.m, blocks), rows_together) * rows_together,
             down = ceil_div(p.m, rows);
  const auto tiles = std::max(std::min(block_tiles, ceil_div(columns.across, 2)),
                              ceil_div(columns.across, ceil_div(tasks, down)));
  // Neighbouring tasks share columns: a thread multiplies with those that it packed.
  parallel_for(down * ceil_div(columns.across, tiles), 1, [&](Index block, Index end) {
    for (; block < end; ++block) {
      const auto row = block % down * rows, tile = block / down * tiles;
      multiply_block(row, std::min(p.m, row + rows), tile, std::min(columns.across, tile + tiles));
    }
  });
}

template <class T>
void multiply(const Product<T>& p) {
  if (p.m == 0 || p.n == 0) return;
  if (p.k == 0 || p.m * p.n * p.k <= few)
    multiply_small(p);
  else
    multiply_packed(p);
}

}  // namespace

Array matmul(const Array& a, const Array& b, MatmulOptions options) {
  const auto rank = a.shape().rank();
  const bool at = options.transpose_a, bt = options.transpose_b;
  const auto m = a.shape()[rank - (at ? 1 : 2)], k = a.shape()[rank - (at ? 2 : 1)],
             n = b.shape()[rank - (bt ? 2 : 1)];
  const auto batch = rank == 3 ? a.shape()[0] : 1;
  Array c = Array::uninitialized(rank == 3 ? Shape{batch, m, n} : Shape{m, n}, a.dtype());
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T *const left = a.data<T>().data(), *const right = b.data<T>().data();
    T* const to = c.mutable_data<T>().data();
    const auto multiply_one = [&](Index i) {
      multiply<T>({.a = {left + i * m * k, at ? 1 : k, at ? m : 1},
                   .b = {right + i * k * n, bt ? 1 : n, bt ? k : 1},
                   .bias = nullptr,
                   .c = to + i * m * n,
                   .m = m,
                   .k = k,
                   .n = n});
    };
    // The threads share out many matrices; of a few, they share each.
    parallel_for(batch, batch < 8 ? at_least_one(batch) : ceil_div(batch, 64), [&](Index i, Index end) {
      for (; i < end; ++i) multiply_one(i);
    });
  });
  return c;
}

Array linear(const Array& x, const Array& weight, const Array& bias) {
  const auto k = weight.shape()[1], n = weight.shape()[0];
  const auto rank = x.shape().rank();
  Array y = Array::uninitialized(x.shape().with(rank - 1, n), x.dtype());
  dispatch_floating(x.dtype(), [&]<class T>() {
    multiply<T>({.a = {x.data<T>().data(), k, 1},
                 .b = {weight.data<T>().data(), 1, k},
                 .bias = bias.defined() ? bias.data<T>().data() : nullptr,
                 .c = y.mutable_data<T>().data(),
                 .m = x.shape().with(rank - 1, 1).count(),
                 .k = k,
                 .n = n});
  });
  return y;
}

}  // namespace evenkeel::kernels
