// Every pooling reads, for each output pixel, a grid of taps: rows x columns that follow from the output's
// row and column alone. The outputs that share their taps' relative places are done side by side, as the
// lanes of a run: in channels-last order the channels of a pixel, in row-major order neighbours of a row
// whose windows lie inside the image.

#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/pool.h>
#include <evenkeel/core/parallel.h>

#include <vector>

namespace evenkeel::kernels {
namespace {

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
};

/// Where a window that slides along an axis of `size` elements reads.
Axis sliding(Index size, Index outputs, Index kernel, Index stride, Index padding, Index dilation,
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
Axis cells(Index size, Index outputs) {
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

constexpr Index run_length = 64;

/// Output columns [first, first + count) have as many taps each, those of one `spacing` elements behind those
/// of the one before.
struct Neighbours {
  Index first, count, spacing;
};
std::vector<Neighbours> neighbours_of(const std::vector<Taps>& columns) {
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
  const Taps& row(Index i) const { return rows.outputs[static_cast<std::size_t>(i)]; }
  const Taps& column(Index j) const { return columns.outputs[static_cast<std::size_t>(j)]; }
};

/// Outputs [to, to + lanes) read the same taps, `spacing` elements from one to the next.
struct Run {
  Index from, to, lanes, spacing;
  Taps rows, columns;
};

/// Calls body(run) for the runs of an output row.
template <class Body>
void for_each_run(const Pooling& p, Index image, Index i, Body body) {
  const auto& rows = p.row(i);
  const auto run_at = [&](Index j, Index channel, Index lanes, Index spacing) {
    const auto& columns = p.column(j);
    body(Run{p.from.pixel(image, rows.first, columns.first) + channel, p.to.pixel(image, i, j) + channel,
             lanes, spacing, rows, columns});
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

/// Calls body(offset) for the taps of a run, relative to the first.
template <class Body>
[[gnu::always_inline]] inline void for_each_tap(const Pooling& p, const Run& run, Body body) {
  for (Index r = 0; r < run.rows.count; ++r)
    for (Index c = 0; c < run.columns.count; ++c) body(r * p.row_step() + c * p.column_step());
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

/// The maxima of some lanes so far, and where they were found; an offset is as wide as T where a tap's
/// distance fits, so that both share one comparison.
template <class T, class Offset, class Spacing>
struct Maxima {
  T best[run_length];
  Offset found[run_length];
  Index lanes;
  Spacing spacing;

  [[gnu::always_inline]] void start(const T* from) {
    for (Index i = 0; i < lanes; ++i) {
      best[i] = from[i * spacing];
      found[i] = 0;
    }
  }
  /// With several taps in one sweep: a window of two columns reads two neighbours at a time.
  template <class... Taps>
  [[gnu::always_inline]] void meet(const T* from, Taps... taps) {
    for (Index i = 0; i < lanes; ++i) {
      T most = best[i];
      Offset at = found[i];
      const auto compare = [&](Index tap) {
        const T value = from[i * spacing + tap];
        const bool wins = (value > most) | (value != value);
        most = wins ? value : most;
        at = wins ? static_cast<Offset>(tap) : at;
      };
      (compare(taps), ...);
      best[i] = most;
      found[i] = at;
    }
  }
};

template <class T, class Offset>
void max_of_runs(const Pooling& p, const T* x, T* values, Index* positions) {
  for_each_run(p, [&](const Run& run) {
    with_spacing(run.spacing, [&]<class Spacing>(Spacing spacing) {
      const T* const from = x + run.from;
      Maxima<T, Offset, Spacing> maxima;
      maxima.lanes = run.lanes;
      maxima.spacing = spacing;
      maxima.start(from);
      if (run.rows.count == 2 && run.columns.count == 2) {
        if (spacing == 2 && p.column_step() == 1)
          maxima.meet(from, Index{1}, p.row_step(), p.row_step() + 1);
        else
          maxima.meet(from, p.column_step(), p.row_step(), p.row_step() + p.column_step());
      } else {
        for_each_tap(p, run, [&](Index tap) { maxima.meet(from, tap); });
      }
      for (Index i = 0; i < run.lanes; ++i) {
        values[run.to + i] = maxima.best[i];
        positions[run.to + i] = run.from + i * spacing + static_cast<Index>(maxima.found[i]);
      }
    });
  });
}

/// Means over the taps, summed in double.
template <class T>
void means(const Pooling& p, const T* x, T* y) {
  for_each_run(p, [&](const Run& run) {
    with_spacing(run.spacing, [&](auto spacing) {
      double sums[run_length] = {};
      for_each_tap(p, run, [&](Index tap) {
        const T* const from = x + run.from + tap;
        for (Index i = 0; i < run.lanes; ++i) sums[i] += static_cast<double>(from[i * spacing]);
      });
      const bool empty = run.rows.count == 0 || run.columns.count == 0;
      const auto divisor = empty ? 1.0 : static_cast<double>(run.rows.divisor * run.columns.divisor);
      for (Index i = 0; i < run.lanes; ++i) y[run.to + i] = static_cast<T>(sums[i] / divisor);
    });
  });
}

/// The adjoint: every output gives each of its taps its share. One task owns an image, or 64 channels of it.
template <class T>
void means_adjoint(const Pooling& p, const T* dy, T* dx) {
  const auto work = at_least_one(p.from.image_size());
  parallel_for(p.from.images, at_least_one(elements_per_task / work), [&](Index begin, Index end) {
    std::fill(dx + begin * p.from.image_size(), dx + end * p.from.image_size(), T{0});
    for (auto row = begin * p.to.height; row < end * p.to.height; ++row)
      for_each_run(p, row / p.to.height, row % p.to.height, [&](const Run& run) {
        if (run.rows.count == 0 || run.columns.count == 0) return;
        with_spacing(run.spacing, [&](auto spacing) {
          const auto divisor = static_cast<T>(run.rows.divisor * run.columns.divisor);
          T shares[run_length];
          for (Index i = 0; i < run.lanes; ++i) shares[i] = dy[run.to + i] / divisor;
          for_each_tap(p, run, [&](Index tap) {
            T* const to = dx + run.from + tap;
            for (Index i = 0; i < run.lanes; ++i) to[i * spacing] += shares[i];
          });
        });
      });
  });
}

Pooling sliding(const Shape& from, const Shape& to, MemoryOrder order, const Window& w,
                bool count_include_pad) {
  return {Layout(from, order), Layout(to, order),
          sliding(from[2], to[2], w.kernel.height, w.stride.height, w.padding.height, w.dilation.height,
                  count_include_pad),
          sliding(from[3], to[3], w.kernel.width, w.stride.width, w.padding.width, w.dilation.width,
                  count_include_pad)};
}

Pooling cells(const Shape& from, const Shape& to, MemoryOrder order) {
  return {Layout(from, order), Layout(to, order), cells(from[2], to[2]), cells(from[3], to[3])};
}

Array mean_pool(const Array& x, const Shape& to, const Pooling& pooling) {
  Array y = Array::uninitialized(to, x.dtype(), x.order());
  dispatch_floating(x.dtype(),
                    [&]<class T>() { means(pooling, x.stored<T>().data(), y.mutable_stored<T>().data()); });
  return y;
}

Array mean_pool_adjoint(const Array& dy, const Shape& from, const Pooling& pooling) {
  Array dx = Array::uninitialized(from, dy.dtype(), dy.order());
  dispatch_floating(dy.dtype(), [&]<class T>() {
    means_adjoint(pooling, dy.stored<T>().data(), dx.mutable_stored<T>().data());
  });
  return dx;
}

void check_padding(std::string_view op, const Window& w) {
  check(w.padding.height <= w.kernel.height / 2 && w.padding.width <= w.kernel.width / 2, op,
        ": padding should be at most half of kernel_size, got padding ", w.padding, " and kernel_size ",
        w.kernel);
}

}  // namespace

MaxPool max_pool2d(const Array& x, const Window& window) {
  const Shape to = window.output("max_pool2d", x.shape(), x.shape()[1]);
  check_padding("max_pool2d", window);
  MaxPool result{Array::uninitialized(to, x.dtype(), x.order()),
                 Array::uninitialized(to, DType::int64, x.order())};
  if (to.count() == 0 && x.shape().count(2) > 0) return result;
  const Pooling p = sliding(x.shape(), to, x.order(), window, false);
  check(!p.rows.has_empty() && !p.columns.has_empty(),
        "max_pool2d: a window lies wholly in the padding of input ", x.shape(), ": kernel_size ",
        window.kernel, ", stride ", window.stride, ", padding ", window.padding, ", dilation ",
        window.dilation, "; use less padding or dilation");
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const from = x.stored<T>().data();
    T* const values = result.values.mutable_stored<T>().data();
    Index* const positions = result.positions.mutable_stored<Index>().data();
    if (sizeof(T) == 4 && p.from.image_size() <= std::numeric_limits<std::int32_t>::max())
      max_of_runs<T, std::int32_t>(p, from, values, positions);
    else
      max_of_runs<T, Index>(p, from, values, positions);
  });
  return result;
}

Array avg_pool2d(const Array& x, const Window& window, bool count_include_pad) {
  const Shape to = window.output("avg_pool2d", x.shape(), x.shape()[1]);
  check_padding("avg_pool2d", window);
  if (to.count() == 0) return Array(to, x.dtype(), x.order());
  return mean_pool(x, to, sliding(x.shape(), to, x.order(), window, count_include_pad));
}

Array avg_pool2d_adjoint(const Array& dy, const Shape& shape, const Window& window, bool count_include_pad) {
  if (dy.size() == 0) return Array(shape, dy.dtype(), dy.order());
  return mean_pool_adjoint(dy, shape, sliding(shape, dy.shape(), dy.order(), window, count_include_pad));
}

Array adaptive_avg_pool2d(const Array& x, Size2 output_size) {
  const Shape& from = x.shape();
  check(from[2] > 0 && from[3] > 0, "adaptive_avg_pool2d: expected images of at least one pixel, got ", from);
  check(output_size.height >= 0 && output_size.width >= 0,
        "adaptive_avg_pool2d: output_size must not be negative, got ", output_size);
  const Shape to{from[0], from[1], output_size.height, output_size.width};
  if (to.count() == 0) return Array(to, x.dtype(), x.order());
  return mean_pool(x, to, cells(from, to, x.order()));
}

Array adaptive_avg_pool2d_adjoint(const Array& dy, const Shape& shape) {
  if (dy.size() == 0) return Array(shape, dy.dtype(), dy.order());
  return mean_pool_adjoint(dy, shape, cells(shape, dy.shape(), dy.order()));
}

}  // namespace evenkeel::kernels
