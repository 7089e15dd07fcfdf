// Batch normalization of channels-last images and the maximum pooling of its result, in one sweep: what is
// normalized is never stored, for little is left of it. Gradients come to the maxima alone, so their sums go
// over these, and dx is written in one more sweep.

#include <evenkeel/core/kernels/lane_sums.h>
#include <evenkeel/core/kernels/normalize_pool.h>
#include <evenkeel/core/kernels/pool.h>
#include <evenkeel/core/kernels/pool_runs.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {
namespace {

using simd::NumberOf;
using simd::Numbers;  // of taps: what compares values chooses them too
using simd::Vector;

/// Whether the loops below know this case: every element belongs to one window and every run has vectors.
bool is_one_sweep(const Array& x, const Pooling& p, const Normalization& how) {
  const auto channels = p.from.channels, rest = channels % run_length;
  const auto is_by_channel = [=](const Groups& groups) {
    return groups.blocks == 1 && groups.count == channels && groups.inner == 1;
  };
  const auto lanes = x.dtype() == DType::float32 ? simd::lanes<float> : simd::lanes<double>;
  return is_channels_last(x) && how.moments_of_input && is_by_channel(how.moments) &&
         is_by_channel(how.affine) && path_of(how, x.size()) == Path::columns && channels >= lanes &&
         (rest == 0 || rest >= lanes) && p.rows.most_taps() * p.columns.most_taps() <= 256 &&
         p.reads_all_once();
}

/// What a channel is multiplied by and the like, one array for each of the `fields`; false where a channel is
/// extreme.
template <class T, class OfChannel, class... Field>
bool fill_coefficients(Index channels, T* to, OfChannel of_channel, Field... fields) {
  bool usual = true;
  for (Index c = 0; c < channels; ++c) {
    const auto of_this = of_channel(c);
    Index field = 0;
    ((to[field++ * channels + c] = of_this.*fields), ...);
    usual &= !of_this.extreme;
  }
  return usual;
}

/// body(run, lane of a vector) for all of them; the last vector of a run may overlap.
template <class T, class Body>
void for_each_vector(const Pooling& p, Body body) {
  constexpr auto n = simd::lanes<T>;
  for_each_run(p, [&](const Run& run) {
    for (Index i = 0; i < run.lanes; i += n) body(run, std::min(i, run.lanes - n));
  });
}

/// False where a channel is extreme: then nothing is written.
template <class T>
bool pool_normalized(const Pooling& p, const Array& x, const Array& gamma, const Array& beta, double eps,
                     NormalizedMaxPool& found) {
  const auto channels = p.from.channels;
  const double *const mean = found.moments.mean.data<double>().data(), *const var =
                                                                           found.moments.var.data<double>()
                                                                               .data();
  const Scale<T> weight(gamma, 1), bias(beta, 0);
  Room<T> coefficients(3 * channels);
  const auto line = [&](Index c) { return Line<T>(mean[c], inverse_std(var[c], eps), weight[c], bias[c]); };
  if (!fill_coefficients(channels, coefficients.data(), line, &Line<T>::hi, &Line<T>::s, &Line<T>::t))
    return false;
  const T *const hi = coefficients.data(), *const s = hi + channels, *const t = s + channels,
                 *const from = x.stored<T>().data();
  T *const values = found.values.mutable_stored<T>().data(), *const at_maxima =
                                                                 found.x_at_maxima.mutable_stored<T>().data();
  std::uint8_t* const taps = found.taps.mutable_stored<std::uint8_t>().data();
  for_each_vector<T>(p, [=, &p](const Run& run, Index lane) {
    const T* const first = from + run.from + lane;
    const auto c = run.channel + lane, to = run.to + lane;
    const auto mean_of = simd::load(hi + c), scale = simd::load(s + c), shift = simd::load(t + c);
    const auto normalized = [&](Vector<T> v) { return simd::multiply_add(v - mean_of, scale, shift); };
    Vector<T> best_x = simd::load(first), best = normalized(best_x);
    Numbers<T> at{};
    for_each_further_tap(p, run, [&](Index tap, Index number) {
      const auto v = simd::load(first + tap), value = normalized(v);
      const Numbers<T> wins = (value > best) | (value != value);
      best = wins ? value : best;
      best_x = wins ? v : best_x;
      at = wins ? Numbers<T>{} + static_cast<NumberOf<T>>(number) : at;
    });
    simd::store(values + to, best);
    simd::store(at_maxima + to, best_x);
    simd::store_bytes(at, taps + to);
  });
  return true;
}

/// By channel, of dy and dy * (x - mean).
template <class T>
std::vector<TwoSums> sums_of_gradients(const Array& grad, const NormalizedMaxPool& found,
                                       const Groups& channels) {
  const Matrix m(channels, grad.size());
  std::vector<TwoSums> sums;
  for_each_group(1, m.block, [&](Index, bool share) {
    const auto means = spread_to_lanes(m, channels, found.moments.mean.data<double>().data());
    const GradientTerms<T> terms{grad.stored<T>().data(), found.x_at_maxima.stored<T>().data(), means.data()};
    sums = folded(m, channels, LaneSums(m, share, terms));
  });
  return sums;
}

/// dx = g * a + ((x - hi) * b + c), where g is the gradient of a window at its maximum and 0 elsewhere.
template <bool past_caches, class T>
void write_gradient(const Pooling& p, const T* grad, const std::uint8_t* taps, const T* x,
                    const T* coefficients, T* dx) {
  const auto channels = p.from.channels;
  const T *const hi = coefficients, *const a = hi + channels, *const b = a + channels,
                 *const c = b + channels;
  for_each_vector<T>(p, [=, &p](const Run& run, Index lane) {
    const auto from = run.from + lane, to = run.to + lane, channel = run.channel + lane;
    const auto mean_of = simd::load(hi + channel), scale = simd::load(a + channel),
               slope = simd::load(b + channel), shift = simd::load(c + channel), dy = simd::load(grad + to);
    const auto found = simd::load_bytes<T>(taps + to);
    const auto write = [&](Index tap, Index number) {
      const auto here = found == Numbers<T>{} + static_cast<NumberOf<T>>(number) ? dy : Vector<T>{};
      const auto centred = simd::multiply_add(simd::load(x + from + tap) - mean_of, slope, shift);
      store_or_stream(past_caches, dx + from + tap, simd::multiply_add(here, scale, centred));
    };
    write(0, 0);
    for_each_further_tap(p, run, write);
  });
}

/// False where a channel is extreme: then nothing is written.
template <class T>
bool backward_of_sweep(const Pooling& p, const Array& grad, const NormalizedMaxPool& found, const Array& x,
                       const Array& gamma, const Normalization& how, NormalizeWants wants,
                       NormalizeGradients& out) {
  const auto channels = p.from.channels;
  const auto sums = sums_of_gradients<T>(grad, found, how.moments);
  const double *const mean = found.moments.mean.data<double>().data(), *const var =
                                                                           found.moments.var.data<double>()
                                                                               .data();
  const auto n = static_cast<double>(found.moments.count);
  const Scale<T> weight(gamma, 1);
  const auto slope = [&](Index c) {
    const auto& [first, second] = sums[static_cast<std::size_t>(c)];
    return Slope<T>(mean[c], inverse_std(var[c], how.eps), weight[c], {weight[c] * first, weight[c] * second},
                    n);
  };
  Room<T> coefficients(4 * channels);
  if (!fill_coefficients(channels, coefficients.data(), slope, &Slope<T>::hi, &Slope<T>::a, &Slope<T>::b,
                         &Slope<T>::c))
    return false;
  if (wants.affine) {
    out.gamma = Array::uninitialized({channels}, x.dtype());
    out.beta = Array::uninitialized({channels}, x.dtype());
    const auto dgamma = out.gamma.mutable_data<T>(), dbeta = out.beta.mutable_data<T>();
    for (std::size_t c = 0; c < sums.size(); ++c) {
      dbeta[c] = static_cast<T>(sums[c].first);
      dgamma[c] = static_cast<T>(sums[c].second * inverse_std(var[c], how.eps));
    }
  }
  if (!wants.x) return true;
  out.x = Array::uninitialized(x.shape(), x.dtype(), x.order());
  T* const dx = out.x.mutable_stored<T>().data();
  const auto write =
      are_past_caches(dx, x.size() / channels, channels) ? write_gradient<true, T> : write_gradient<false, T>;
  write(p, grad.stored<T>().data(), found.taps.stored<std::uint8_t>().data(), x.stored<T>().data(),
        coefficients.data(), dx);
  return true;
}

}  // namespace

NormalizedMaxPool normalize_max_pool2d(const Array& x, const Array& gamma, const Array& beta,
                                       const Normalization& how, const Window& window) {
  const Shape to = window.output("max_pool2d", x.shape(), x.shape()[1]);
  check_padding("max_pool2d", window);
  const Pooling p = sliding(x.shape(), to, x.order(), window, false);
  if (to.count() > 0 && is_one_sweep(x, p, how)) {
    NormalizedMaxPool found{Array::uninitialized(to, x.dtype(), x.order()),
                            Array::uninitialized(to, DType::uint8, x.order()),
                            Array::uninitialized(to, x.dtype(), x.order()), kernels::moments(x, how.moments)};
    const bool done = dispatch_floating(
        x.dtype(), [&]<class T>() { return pool_normalized<T>(p, x, gamma, beta, how.eps, found); });
    if (done) return found;
  }
  auto [y, moments] = normalize(x, gamma, beta, how);
  auto [values, taps] = max_pool2d(y, window);
  return {std::move(values), std::move(taps), {}, std::move(moments)};
}

NormalizeGradients normalize_max_pool2d_backward(const Array& grad, const NormalizedMaxPool& found,
                                                 const Array& x, const Array& gamma, const Normalization& how,
                                                 const Window& window, NormalizeWants wants) {
  if (found.x_at_maxima.defined()) {
    NormalizeGradients out;
    const Pooling p = sliding(x.shape(), grad.shape(), x.order(), window, false);
    const bool done = dispatch_floating(x.dtype(), [&]<class T>() {
      return backward_of_sweep<T>(p, in_order(grad, x.order()), found, x, gamma, how, wants, out);
    });
    if (done) return out;
  }
  return normalize_backward(max_pool2d_adjoint(grad, found.taps, x.shape(), window), x, gamma,
                            found.moments.mean, found.moments.var, how, wants);
}

}  // namespace evenkeel::kernels
