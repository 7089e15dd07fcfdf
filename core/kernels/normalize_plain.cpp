#include <evenkeel/core/kernels/group_sums.h>
#include <evenkeel/core/kernels/normalize_parts.h>

#include <algorithm>
#include <numeric>

namespace evenkeel::kernels {
namespace {

std::vector<double> inverse_stds(const Array& var, double eps) {
  std::vector<double> out;
  for (const double v : var.data<double>()) out.push_back(inverse_std(v, eps));
  return out;
}

/// The longest piece that lies within one group of both partitions wherever it starts.
Index common_run(const Normalization& how) {
  return at_least_one(std::gcd(how.moments.inner, how.affine.inner));
}

/// body(begin, end, group of the moments, group of the affine) for runs that cover [0, size).
template <class Body>
void for_each_run(Index size, const Normalization& how, Body body) {
  const auto run = common_run(how);
  parallel_for(size / run, at_least_one(elements_per_task / run), [&](Index first, Index last) {
    for (auto i = first * run; i < last * run; i += run)
      body(i, i + run, how.moments.of(i, size), how.affine.of(i, size));
  });
}

}  // namespace

Moments plain_moments(const Array& x, const Groups& groups) {
  Moments out{Array({groups.total()}, DType::float64), Array({groups.total()}, DType::float64), 0};
  if (x.size() == 0) return out;
  out.count = x.size() / groups.total();
  const auto n = static_cast<double>(out.count);
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const v = x.stored<T>().data();
    double* const mean = out.mean.mutable_data<double>().data();
    double* const var = out.var.mutable_data<double>().data();
    const auto origin = [&](Index g) {
      return origin_of(static_cast<double>(v[groups.first_of(g, x.size())]));
    };
    const auto sums =
        group_sums<1>(x.size(), groups, groups.inner, [&](Index i, Index end, Index g, auto& sum) {
          for (const double k = origin(g); i < end; ++i) sum[0] += static_cast<double>(v[i]) - k;
        });
    for (Index g = 0; g < groups.total(); ++g) mean[g] = origin(g) + sums[static_cast<std::size_t>(g)][0] / n;
    const auto squares =
        group_sums<1>(x.size(), groups, groups.inner, [&](Index i, Index end, Index g, auto& sum) {
          for (; i < end; ++i) {
            const double apart = static_cast<double>(v[i]) - mean[g];
            sum[0] += apart * apart;
          }
        });
    for (Index g = 0; g < groups.total(); ++g) var[g] = squares[static_cast<std::size_t>(g)][0] / n;
  });
  return out;
}

Array plain_normalize(const Array& x, const Array& gamma, const Array& beta, const Moments& moments,
                      const Normalization& how) {
  Array y = Array::uninitialized(x.shape(), x.dtype(), x.order());
  if (x.size() == 0) return y;
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const v = x.stored<T>().data();
    T* const to = y.mutable_stored<T>().data();
    const Scale<T> scale(gamma, 1), shift(beta, 0);
    const double* const mean = moments.mean.data<double>().data();
    const auto invstd = inverse_stds(moments.var, how.eps);
    for_each_run(x.size(), how, [&](Index i, Index end, Index g, Index c) {
      const double s = invstd[static_cast<std::size_t>(g)] * scale[c], t = shift[c];
      for (; i < end; ++i) to[i] = static_cast<T>((static_cast<double>(v[i]) - mean[g]) * s + t);
    });
  });
  return y;
}

NormalizeGradients plain_normalize_backward(const Array& grad, const Array& x, const Array& gamma,
                                            const Array& mean_array, const Array& var,
                                            const Normalization& how, NormalizeWants wants) {
  NormalizeGradients out;
  if (wants.x) out.x = Array::uninitialized(x.shape(), x.dtype(), x.order());
  if (wants.affine) out.gamma = out.beta = Array({how.affine.total()}, x.dtype());
  if (wants.affine) out.beta = out.gamma.clone();
  if (x.size() == 0) return out;
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T *const v = x.stored<T>().data(), *const dy = grad.stored<T>().data();
    const Scale<T> scale(gamma, 1);
    const double* const mean = mean_array.data<double>().data();
    const auto invstd = inverse_stds(var, how.eps);
    const auto xhat = [&](Index i, Index g) {
      return (static_cast<double>(v[i]) - mean[g]) * invstd[static_cast<std::size_t>(g)];
    };
    if (wants.affine) {
      const auto sums =
          group_sums<2>(x.size(), how.affine, common_run(how), [&](Index i, Index end, Index, auto& sum) {
            for (const auto g = how.moments.of(i, x.size()); i < end; ++i) {
              sum[0] += static_cast<double>(dy[i]) * xhat(i, g);
              sum[1] += static_cast<double>(dy[i]);
            }
          });
      std::ranges::transform(sums, out.gamma.mutable_data<T>().begin(),
                             [](auto& sum) { return static_cast<T>(sum[0]); });
      std::ranges::transform(sums, out.beta.mutable_data<T>().begin(),
                             [](auto& sum) { return static_cast<T>(sum[1]); });
    }
    if (!wants.x) return;
    Sums<2> means(static_cast<std::size_t>(how.moments.total()));
    if (how.moments_of_input)
      means =
          group_sums<2>(x.size(), how.moments, common_run(how), [&](Index i, Index end, Index g, auto& sum) {
            for (const double w = scale[how.affine.of(i, x.size())]; i < end; ++i) {
              sum[0] += w * static_cast<double>(dy[i]);
              sum[1] += w * static_cast<double>(dy[i]) * xhat(i, g);
            }
          });
    const auto n = static_cast<double>(x.size() / how.moments.total());
    T* const dx = out.x.mutable_stored<T>().data();
    for_each_run(x.size(), how, [&](Index i, Index end, Index g, Index c) {
      const double w = scale[c], r = invstd[static_cast<std::size_t>(g)];
      const auto [sum_h, sum_hx] = means[static_cast<std::size_t>(g)];
      for (; i < end; ++i)
        dx[i] = static_cast<T>(r * (w * static_cast<double>(dy[i]) - sum_h / n - xhat(i, g) * (sum_hx / n)));
    });
  });
  return out;
}

Array rounded_normalize(const Array& x, const Array& gamma, const Array& beta, const Moments& moments,
                        const Normalization& how) {
  Array y = Array::uninitialized(x.shape(), x.dtype(), x.order());
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const v = x.stored<T>().data();
    T* const to = y.mutable_stored<T>().data();
    const Scale<T> scale(gamma, 1), shift(beta, 0);
    const double* const mean = moments.mean.data<double>().data();
    const auto invstd = inverse_stds(moments.var, how.eps);
    for_each_run(x.size(), how, [&](Index i, Index end, Index g, Index c) {
      const double r = invstd[static_cast<std::size_t>(g)];
      const Line<T> line(mean[g], r, scale[c], shift[c]);
      for (; i < end; ++i)
        to[i] = line.extreme ? static_cast<T>((static_cast<double>(v[i]) - mean[g]) * r * scale[c] + shift[c])
                             : simd::multiply_add(v[i] - line.hi, line.s, line.t);
    });
  });
  return y;
}

Array rounded_normalize_backward(const Array& grad, const Array& x, const Array& gamma,
                                 const Array& mean_array, const Array& var, const Normalization& how) {
  Array out = Array::uninitialized(x.shape(), x.dtype(), x.order());
  dispatch_floating(x.dtype(), [&]<class T>() {
    const T* const dy = grad.stored<T>().data();
    T* const dx = out.mutable_stored<T>().data();
    const Scale<T> scale(gamma, 1);
    const double* const mean = mean_array.data<double>().data();
    const auto invstd = inverse_stds(var, how.eps);
    for_each_run(x.size(), how, [&](Index i, Index end, Index g, Index c) {
      const double r = invstd[static_cast<std::size_t>(g)];
      const Factor<T> factor(mean[g], r, scale[c]);
      for (; i < end; ++i) dx[i] = factor(dy[i]);
    });
  });
  return out;
}

}  // namespace evenkeel::kernels
