// Every element of a product is summed in one order, whichever path computes it: a chain of multiply-adds
// over k within each piece of `depth` steps, then the pieces from first to last, then the bias. So the bits
// of a row depend neither on the other rows nor on the threads, and small products may skip all packing.
//
// Large products: both operands are packed into strips, b (as wide as a tile) once for all, a (as high as a
// tile) block by block by the task that needs it; a tile of the result stays in registers for a whole piece
// of k. Of few rows, strips of b are packed as they are multiplied, or, where b's rows lie in memory and a
// has hardly any, read as they lie.

#include <evenkeel/core/kernels/matmul.h>
#include <evenkeel/core/kernels/matmul_tile.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {
namespace {

using namespace product;

/// A task computes at most so many rows: a packed block of `a` stays in the L2. There are about so many
/// tasks, each with at least so many tiles across, lest packing its rows cost too much, or half of all where
/// there are fewer than twice as many.
constexpr Index block_rows = 8 * tile_rows, tasks = 32, block_tiles = 25;
/// Blocks have a multiple of so many rows: tiles of 8 or 12 with vectors of 64 bytes, of 6 with smaller ones.
constexpr Index rows_together = simd::vector_bytes == 64 ? 4 : 2 * tile_rows;
static_assert(block_rows % rows_together == 0);
/// So few rows are one block; still fewer leave b as it lies, where it is larger than the L2.
constexpr Index few_rows = 2 * tile_rows, fewest_rows = 4, large = 131072;
/// Products of so few multiplications are done before packing would be.
constexpr Index few = 4096;

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

/// Rows [first, last) of a piece, packed, times a strip of b.
template <class T>
[[gnu::always_inline]] inline void multiply_strip(const Product<T>& p, Index piece, Index first, Index last,
                                                  const T* rows, Index tile, const T* strip) {
  constexpr auto width = tile_columns<T>;
  const auto steps = p.steps(piece);
  const T* const bias = p.bias && piece + 1 == p.pieces() ? p.bias + tile * width : nullptr;
  for (Index height; first < last; first += height, rows += height * steps) {
    height = next_height(last - first);
    const Target<T> to{p.c + first * p.n + tile * width, p.n, std::min(width, p.n - tile * width), piece == 0,
                       bias};
    with_height(height, [&]<Index count>(std::integral_constant<Index, count>) {
      multiply_tile<T, count>(rows, strip, steps, to);
    });
  }
}

template <class T>
T* rows_of_thread() {
  static thread_local std::vector<T> rows(static_cast<std::size_t>(block_rows * depth));
  return rows.data();
}

/// A single block of rows: strips of b are needed once, so each task packs its own, a few at a time, and
/// multiplies with them while they are in the cache.
template <class T>
void multiply_by_strips(const Product<T>& p) {
  constexpr Index at_once = 4;
  const auto across = ceil_div(p.n, tile_columns<T>), grain = ceil_div(across, tasks);
  parallel_for(across, ceil_div(grain, at_once) * at_once, [&](Index first, Index last) {
    static thread_local std::vector<T> strips(static_cast<std::size_t>(at_once * depth * tile_columns<T>));
    T* const rows = rows_of_thread<T>();
    for (Index piece = 0; piece < p.pieces(); ++piece) {
      const auto begin = piece * depth, steps = p.steps(piece);
      pack_rows(p.a, 0, p.m, begin, begin + steps, rows);
      for (auto tile = first; tile < last; tile += at_once) {
        const auto end = std::min(last, tile + at_once);
        pack_tiles(p.b, p.n, tile, end, begin, begin + steps, strips.data());
        for (auto i = tile; i < end; ++i)
          multiply_strip<T>(p, piece, 0, p.m, rows, i, strips.data() + (i - tile) * steps * tile_columns<T>);
      }
    }
  });
}

/// sums[j] += a(i, k) * b(k, j) for so many steps from k on, one after the other.
template <class T, Index together>
void add_rows(const Product<T>& p, Index i, Index k, Index steps, Index first, Index width, T* sums) {
  if (steps < together) {
    for (; steps > 0; --steps, ++k) {
      const T factor = p.a(i, k);
      const T* const b = p.b.data + k * p.b.row + first;
      for (Index j = 0; j < width; ++j) sums[j] = simd::multiply_add(factor, b[j], sums[j]);
    }
    return;
  }
  constexpr auto n = simd::lanes<T>;
  const T* b[together];
  T factor[together];
  for (Index s = 0; s < together; ++s) {
    b[s] = p.b.data + (k + s) * p.b.row + first;
    factor[s] = p.a(i, k + s);
  }
  Index j = 0;
  for (; j + n <= width; j += n) {
    auto sum = simd::load(sums + j);
#pragma GCC unroll 4
    for (Index s = 0; s < together; ++s)
      sum = simd::multiply_add(simd::broadcast(factor[s]), simd::load(b[s] + j), sum);
    simd::store(sums + j, sum);
  }
  for (; j < width; ++j)
    for (Index s = 0; s < together; ++s) sums[j] = simd::multiply_add(factor[s], b[s][j], sums[j]);
}

/// Hardly any rows of a, where the rows of b lie in memory: these pass by as they lie, some steps at a time,
/// and the sums of all columns wait in the L1.
template <class T>
void multiply_by_rows(const Product<T>& p) {
  constexpr Index n = simd::lanes<T>, together = 4, columns_at_once = 1024;
  const auto vectors = ceil_div(p.n, n), grain = std::clamp(vectors / 4, Index{8}, columns_at_once / n);
  parallel_for(vectors, grain, [&](Index first, Index last) {
    static thread_local std::vector<T> room(static_cast<std::size_t>(fewest_rows * columns_at_once));
    const auto begin = first * n, width = std::min(last * n, p.n) - begin;
    for (Index piece = 0; piece < p.pieces(); ++piece) {
      std::fill(room.begin(), room.end(), T{0});
      for (Index k = piece * depth, end = k + p.steps(piece); k < end; k += together)
        for (Index i = 0; i < p.m; ++i)
          add_rows<T, together>(p, i, k, std::min(together, end - k), begin, width,
                                room.data() + i * columns_at_once);
      const T* const bias = p.bias && piece + 1 == p.pieces() ? p.bias + begin : nullptr;
      for (Index i = 0; i < p.m; ++i) {
        const T* const sums = room.data() + i * columns_at_once;
        T* const to = p.c + i * p.n + begin;
        for (Index j = 0; j < width; ++j) {
          const T total = piece == 0 ? sums[j] : to[j] + sums[j];
          to[j] = bias ? total + bias[j] : total;
        }
      }
    }
  });
}

template <class T>
void multiply_packed(const Product<T>& p) {
  const PackedColumns<T> columns(p);
  const auto multiply_block = [&](Index first_row, Index last_row, Index first_tile, Index last_tile) {
    T* const rows = rows_of_thread<T>();
    for (Index piece = 0; piece < p.pieces(); ++piece) {
      pack_rows(p.a, first_row, last_row, piece * depth, piece * depth + p.steps(piece), rows);
      for (Index tile = first_tile; tile < last_tile; ++tile)
        multiply_strip(p, piece, first_row, last_row, rows, tile, columns.strip(p, piece, tile));
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
  else if (p.m <= fewest_rows && p.b.column == 1 && p.k * p.n >= large)
    multiply_by_rows(p);
  else if (p.m <= few_rows)
    multiply_by_strips(p);
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
