#pragma once
/// Every pooling reads, for each output pixel, a grid of taps: rows x columns that follow from the output's
/// row and column alone. The outputs that share their taps' relative places are done side by side, as the
/// lanes of a run: in channels-last order the channels of a pixel, in row-major order neighbours of a row
/// whose windows lie inside the image.

#include <evenkeel/core/array.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/simd.h>
#include <evenkeel/core/parallel.h>
#include <evenkeel/core/window.h>

#include <algorithm>
#include <string_view>
#include <type_traits>
#include <vector>

namespace evenkeel::kernels {

using Index = std::int64_t;

/// What one output index reads along one axis: first, first + step, ... (`count` of them), and by how many it
/// divides.
struct Taps {
  Index first, count, divisor;
};
struct Axis {
  Index step;  // between taps
  std::vector<Taps> outputs;

  bool has_empty() const {
    return std::ranges::any_of(outputs, [](const Taps& taps) { return taps.count == 0; });
  }
  Index most_taps() const {
    Index most = 0;
    for (const Taps& taps : outputs) most = std::max(most, taps.count);
    return most;
  }
  bool overlaps() const {
    Index end = 0;
    for (const Taps& taps : outputs) {
      if (taps.first < end || (step != 1 && taps.count > 1)) return true;
      end = taps.first + taps.count;
    }
    return false;
  }
  /// Whether every one of `size` elements is read, if none is twice.
  bool covers(Index size) const {
    Index read = 0;
    for (const Taps& taps : outputs) read += taps.count;
    return read == size;
  }
};

/// Where a window that slides along an axis of `size` elements reads.
inline Axis sliding(Index size, Index outputs, Index kernel, Index stride, Index padding, Index dilation,
                    bool count_include_pad) {
  Axis axis{dilation, {}};
  axis.outputs.reserve(static_cast<std::size_t>(outputs));
  for (Index out = 0; out < outputs; ++out) {
    const auto begin = out * stride - padding;
    // Taps before `limit`, which is not below begin.
    const auto taps_before = [&](Index limit) {
      return std::clamp<Index>(ceil_div(std::max<Index>(limit - begin, 0), dilation), 0, kernel);
    };
    const auto skipped = taps_before(0), count = taps_before(size) - skipped;
    axis.outputs.push_back({begin + skipped * dilation, std::max<Index>(count, 0),
                            count_include_pad ? taps_before(size + padding) : count});
  }
  return axis;
}

/// The cells of a grid of `outputs` that covers `size` elements.
inline Axis cells(Index size, Index outputs) {
  Axis axis{1, {}};
  axis.outputs.reserve(static_cast<std::size_t>(outputs));
  for (Index out = 0; out < outputs; ++out) {
    const auto first = out * size / outputs, count = ceil_div((out + 1) * size, outputs) - first;
    axis.outputs.push_back({first, count, count});
  }
  return axis;
}

/// Images as they lie: `images` of height x width pixels of `channels` neighbouring elements (1 in row-major
/// order).
struct Layout {
  Layout(const Shape& shape, MemoryOrder order)
      : images(order == MemoryOrder::channels_last ? shape[0] : shape[0] * shape[1]),
        channels(order == MemoryOrder::channels_last ? shape[1] : 1),
        height(shape[2]),
        width(shape[3]) {}
  Index pixel(Index image, Index row, Index column) const {
    return ((image * height + row) * width + column) * channels;
  }
  Index image_size() const { return height * width * channels; }

  Index images, channels, height, width;
};

inline constexpr Index run_length = 64;

/// Output columns [first, first + count) have as many taps each, those of one `spacing` elements behind those
/// of the one before.
struct Neighbours {
  Index first, count, spacing;
};
inline std::vector<Neighbours> neighbours_of(const std::vector<Taps>& columns) {
  std::vector<Neighbours> all;
  for (std::size_t j = 0, count; j < columns.size(); j += count) {
    const Taps& taps = columns[j];
    const Index spacing = j + 1 < columns.size() ? columns[j + 1].first - taps.first : 1;
    const auto follows = [&](std::size_t k) {
      const Taps& next = columns[k];
      return next.count == taps.count && next.divisor == taps.divisor &&
             next.first == taps.first + static_cast<Index>(k - j) * spacing;
    };
    for (count = 1; count < run_length && j + count < columns.size() && follows(j + count);) ++count;
    all.push_back({static_cast<Index>(j), static_cast<Index>(count), spacing});
  }
  return all;
}

/// A pooling's geometry: where each output reads.
struct Pooling {
  Layout from, to;
  Axis rows, columns;
  std::vector<Neighbours> neighbours = neighbours_of(columns.outputs);

  /// Elements between the columns and rows of taps.
  Index column_step() const { return columns.step * from.channels; }
  Index row_step() const { return rows.step * from.width * from.channels; }
  bool overlaps() const { return rows.overlaps() || columns.overlaps(); }
  /// Whether every element is a tap of one output.
  bool reads_all_once() const {
    return !overlaps() && rows.covers(from.height) && columns.covers(from.width);
  }
  const Taps& row(Index i) const { return rows.outputs[static_cast<std::size_t>(i)]; }
  const Taps& column(Index j) const { return columns.outputs[static_cast<std::size_t>(j)]; }
};

/// Outputs [to, to + lanes) read the same taps, `spacing` elements from one to the next. In channels-last
/// order they belong to the channels from `channel` on.
struct Run {
  Index from, to, lanes, spacing, channel;
  Taps rows, columns;
};

/// Calls body(run) for the runs of an output row.
template <class Body>
void for_each_run(const Pooling& p, Index image, Index i, Body body) {
  const auto& rows = p.row(i);
  const auto run_at = [&](Index j, Index channel, Index lanes, Index spacing) {
    const auto& columns = p.column(j);
    body(Run{p.from.pixel(image, rows.first, columns.first) + channel, p.to.pixel(image, i, j) + channel,
             lanes, spacing, channel, rows, columns});
  };
  if (p.from.channels > 1) {
    for (Index j = 0; j < p.to.width; ++j)
      for (Index channel = 0; channel < p.to.channels; channel += run_length)
        run_at(j, channel, std::min(run_length, p.to.channels - channel), 1);
    return;
  }
  for (const auto& [j, lanes, spacing] : p.neighbours) run_at(j, 0, lanes, spacing);
}

/// Calls body(run) for all runs, output rows in parallel.
template <class Body>
void for_each_run(const Pooling& p, Body body) {
  const auto row = at_least_one(p.to.width * p.to.channels);
  parallel_for(p.to.images * p.to.height, at_least_one(elements_per_task / row), [&](Index begin, Index end) {
    for (auto r = begin; r < end; ++r) for_each_run(p, r / p.to.height, r % p.to.height, body);
  });
}

/// Calls body(offset, number) for the taps of a run, relative to the first, which has the number 0.
template <class Body>
[[gnu::always_inline]] inline void for_each_tap(const Pooling& p, const Run& run, Body body) {
  Index number = 0;
  for (Index r = 0; r < run.rows.count; ++r)
    for (Index c = 0; c < run.columns.count; ++c) body(r * p.row_step() + c * p.column_step(), number++);
}

/// The same without the first tap of 2x2 windows, which are the usual ones and have code of their own; of
/// other windows the first is among them.
template <class Body>
[[gnu::always_inline]] inline void for_each_further_tap(const Pooling& p, const Run& run, Body body) {
  if (run.rows.count != 2 || run.columns.count != 2) return for_each_tap(p, run, body);
  const auto row = p.row_step(), column = p.column_step();
  body(column, 1);
  body(row, 2);
  body(row + column, 3);
}

/// The spacing as a constant where it is usual, so that the loops over lanes become vector code.
template <class Body>
[[gnu::always_inline]] inline void with_spacing(Index spacing, Body body) {
  if (spacing == 1)
    body(std::integral_constant<Index, 1>());
  else if (spacing == 2)
    body(std::integral_constant<Index, 2>());
  else
    body(spacing);
}

/// Whether the outputs of a run, if only they have their taps, can write them in vectors: pixels side by
/// side, or both columns of their windows. A run of fewer lanes than a vector is computed with what follows
/// its outputs, if anything does, and that is dropped.
template <class T>
bool has_vectors(const Pooling& p, const Run& run) {
  constexpr auto n = simd::lanes<T>;
  const bool can_read = run.lanes >= n || run.to + n <= p.to.images * p.to.image_size();
  return can_read && (run.spacing == 1 || (run.spacing == 2 && run.columns.count == 2));
}
/// to[tap] = vector_of(lane)(number of the tap) for the taps of a run; the last vector may overlap.
template <class T, class VectorOf>
void write_vectors(const Pooling& p, const Run& run, T* to, VectorOf vector_of) {
  constexpr auto n = simd::lanes<T>;
  const auto write = [&](Index lane, auto store) {
    const auto share = vector_of(lane);
    if (run.spacing == 1)
      for_each_tap(p, run,
                   [&](Index tap, Index number) { store(to + tap + lane, share(number), run.lanes); });
    else
      for (Index r = 0; r < run.rows.count; ++r) {
        const auto both = simd::interleaved<T>(share(2 * r), share(2 * r + 1));
        T* const row = to + r * p.row_step() + 2 * lane;
        store(row, both[0], 2 * run.lanes);
        store(row + n, both[1], 2 * run.lanes - n);
      }
  };
  if (run.lanes < n)
    return write(0, [n](T* first, simd::Vector<T> v, Index valid) {
      if (valid > 0) simd::store_some(first, v, std::min(valid, n));
    });
  for (Index i = 0; i < run.lanes; i += n)
    write(std::min(i, run.lanes - n), [](T* first, simd::Vector<T> v, Index) { simd::store(first, v); });
}

/// In place of shares in vectors, where there are none.
struct NoVectors {};

/// The adjoint of a pooling: dx[tap] += share(number of the tap, lane) for the taps of every run, where
/// shares_of(run) makes `share`, and vector_of(run, lane)(number), unless it is NoVectors, is the same for a
/// vector of lanes. One task owns an image.
template <class T, class SharesOf, class VectorOf>
void pooling_adjoint(const Pooling& p, T* dx, SharesOf shares_of, VectorOf vector_of) {
  const bool written_once = !p.overlaps(), all = p.reads_all_once();
  const auto size = p.from.image_size();
  const auto write = [&](const Run& run, auto put) {
    const auto share = shares_of(run);
    with_spacing(run.spacing, [&](auto spacing) {
      for_each_tap(p, run, [&](Index tap, Index number) {
        T* const to = dx + run.from + tap;
        for (Index i = 0; i < run.lanes; ++i) put(to[i * spacing], share(number, i));
      });
    });
  };
  parallel_for(
      p.from.images, at_least_one(elements_per_task / at_least_one(size)), [&](Index begin, Index end) {
        if (!all) std::fill(dx + begin * size, dx + end * size, T{0});
        for (auto row = begin * p.to.height; row < end * p.to.height; ++row)
          for_each_run(p, row / p.to.height, row % p.to.height, [&](const Run& run) {
            if (!written_once) return write(run, [](T& to, T share) { to += share; });
            if constexpr (!std::is_same_v<VectorOf, NoVectors>)
              if (has_vectors<T>(p, run))
                return write_vectors(p, run, dx + run.from, [&](Index lane) { return vector_of(run, lane); });
            write(run, [](T& to, T share) { to = share; });
          });
      });
}

inline Pooling sliding(const Shape& from, const Shape& to, MemoryOrder order, const Window& w,
                       bool count_include_pad) {
  return {Layout(from, order), Layout(to, order),
          sliding(from[2], to[2], w.kernel.height, w.stride.height, w.padding.height, w.dilation.height,
                  count_include_pad),
          sliding(from[3], to[3], w.kernel.width, w.stride.width, w.padding.width, w.dilation.width,
                  count_include_pad)};
}

inline Pooling cells(const Shape& from, const Shape& to, MemoryOrder order) {
  return {Layout(from, order), Layout(to, order), cells(from[2], to[2]), cells(from[3], to[3])};
}

inline void check_padding(std::string_view op, const Window& w) {
  check(w.padding.height <= w.kernel.height / 2 && w.padding.width <= w.kernel.width / 2, op,
        ": padding should be at most half of kernel_size, got padding ", w.padding, " and kernel_size ",
        w.kernel);
}

}  // namespace evenkeel::kernels
