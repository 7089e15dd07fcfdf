#include <evenkeel/core/kernels/normalize_parts.h>

namespace evenkeel::kernels {
namespace {

template <class T>
Forward<T> forward_of(const Array& x, Array& y, const Array& gamma, const Array& beta, double* mean,
                      double* var, bool find_moments, const Normalization& how) {
  return {.x = x.stored<T>().data(),
          .y = y.mutable_stored<T>().data(),
          .size = x.size(),
          .gamma = Scale<T>(gamma, 1),
          .beta = Scale<T>(beta, 0),
          .mean = mean,
          .var = var,
          .find_moments = find_moments,
          .how = how};
}

template <class T>
void run_forward(Path path, const Forward<T>& f) {
  if (path == Path::runs) return normalize_runs(f);
  if (path == Path::rows) return normalize_rows(f);
  normalize_columns(f);
}

Moments moments_to_fill(const Array& x, const Groups& groups) {
  const auto count = x.size() == 0 ? 0 : x.size() / groups.total();
  return {Array({groups.total()}, DType::float64), Array({groups.total()}, DType::float64), count};
}

}  // namespace

Path path_of(const Groups& moments, Index size) {
  const auto block = size / moments.blocks, row = moments.count * moments.inner;
  // Down the columns, every lane has sums and coefficients: many of them leave the caches.
  const bool are_many_lanes = moments.inner >= 16 && row * moments.inner >= 131072;
  if (row < block && moments.inner < 64 && !are_many_lanes) return block >= 64 ? Path::columns : Path::plain;
  return moments.inner >= simd::lanes<double> ? Path::runs : Path::plain;
}

namespace {

Path fastest_path(const Normalization& how, Index size) {
  const auto &m = how.moments, &a = how.affine;
  const auto row = a.count * a.inner;
  const Path path = path_of(m, size);
  const bool same_rows = a.blocks == 1 && row == m.count * m.inner;
  if (path == Path::columns) return same_rows ? path : Path::plain;
  if (path == Path::plain) return path;
  const bool contiguous = m.count * m.inner == size / m.blocks;
  const bool same = m.blocks == a.blocks && m.count == a.count && m.inner == a.inner;
  if (same && m.inner >= simd::lanes<float>) return Path::runs;
  if (!contiguous && same_rows) return Path::columns;
  if (!contiguous || a.blocks != 1 || size % row != 0) return Path::plain;
  if (a.inner >= simd::lanes<float> && m.inner % a.inner == 0) return Path::runs;
  return row % m.inner == 0 || m.inner % row == 0 ? Path::rows : Path::plain;
}

}  // namespace

Path path_of(const Normalization& how, Index size) {
  const Path path = fastest_path(how, size);
  const bool rounds_alike = path == Path::runs || path == Path::columns;
  return how.moments_of_input || rounds_alike ? path : Path::rounded;
}

Moments moments(const Array& x, const Groups& groups) {
  if (x.size() == 0) return moments_to_fill(x, groups);
  const Path path = path_of(groups, x.size());
  if (path == Path::plain) return plain_moments(x, groups);
  Moments out = moments_to_fill(x, groups);
  double* const mean = out.mean.mutable_data<double>().data();
  double* const var = out.var.mutable_data<double>().data();
  dispatch_floating(x.dtype(), [&]<class T>() {
    if (path == Path::runs)
      moments_of_runs(x.stored<T>().data(), x.size(), groups, mean, var);
    else
      moments_of_columns(x.stored<T>().data(), x.size(), groups, mean, var);
  });
  return out;
}

Array normalize(const Array& x, const Array& gamma, const Array& beta, const Moments& given,
                const Normalization& how) {
  Array y = Array::uninitialized(x.shape(), x.dtype(), x.order());
  if (x.size() == 0) return y;
  const Path path = path_of(how, x.size());
  if (path == Path::plain) return plain_normalize(x, gamma, beta, given, how);
  if (path == Path::rounded) return rounded_normalize(x, gamma, beta, given, how);
  dispatch_floating(x.dtype(), [&]<class T>() {
    auto* const mean = const_cast<double*>(given.mean.data<double>().data());
    auto* const var = const_cast<double*>(given.var.data<double>().data());
    run_forward(path, forward_of<T>(x, y, gamma, beta, mean, var, false, how));
  });
  return y;
}

Normalized normalize(const Array& x, const Array& gamma, const Array& beta, const Normalization& how) {
  const Path path = x.size() == 0 ? Path::plain : path_of(how, x.size());
  if (path == Path::plain || path == Path::rounded) {
    Moments own = moments(x, how.moments);
    return {normalize(x, gamma, beta, own, how), own};
  }
  Normalized out{Array::uninitialized(x.shape(), x.dtype(), x.order()), moments_to_fill(x, how.moments)};
  double* const mean = out.moments.mean.mutable_data<double>().data();
  double* const var = out.moments.var.mutable_data<double>().data();
  dispatch_floating(x.dtype(), [&]<class T>() {
    run_forward(path, forward_of<T>(x, out.output, gamma, beta, mean, var, true, how));
  });
  return out;
}

NormalizeGradients normalize_backward(const Array& grad, const Array& x, const Array& gamma,
                                      const Array& mean, const Array& var, const Normalization& how,
                                      NormalizeWants wants) {
  const Path path = x.size() == 0 ? Path::plain : path_of(how, x.size());
  if (path == Path::plain) return plain_normalize_backward(grad, x, gamma, mean, var, how, wants);
  NormalizeGradients out;
  if (path == Path::rounded) {
    out = plain_normalize_backward(grad, x, gamma, mean, var, how, {.x = false, .affine = wants.affine});
    if (wants.x) out.x = rounded_normalize_backward(grad, x, gamma, mean, var, how);
    return out;
  }
  if (wants.x) out.x = Array::uninitialized(x.shape(), x.dtype(), x.order());
  if (wants.affine) {
    out.gamma = Array::uninitialized({how.affine.total()}, x.dtype());
    out.beta = Array::uninitialized({how.affine.total()}, x.dtype());
  }
  dispatch_floating(x.dtype(), [&]<class T>() {
    const auto room = [](Array& a) { return a.defined() ? a.mutable_stored<T>().data() : nullptr; };
    const Backward<T> b{.grad = grad.stored<T>().data(),
                        .x = x.stored<T>().data(),
                        .gamma = Scale<T>(gamma, 1),
                        .mean = mean.data<double>().data(),
                        .var = var.data<double>().data(),
                        .size = x.size(),
                        .how = how,
                        .dx = room(out.x),
                        .dgamma = room(out.gamma),
                        .dbeta = room(out.beta)};
    if (path == Path::runs)
      normalize_runs_backward(b);
    else if (path == Path::rows)
      normalize_rows_backward(b);
    else
      normalize_columns_backward(b);
  });
  return out;
}

}  // namespace evenkeel::kernels
