#include <evenkeel/tests/support/normalize_cases.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <random>

namespace evenkeel::testing {

NormalizeCase norm_case(const std::string& kind, const Shape& shape, MemoryOrder order, std::int64_t groups) {
  const Array x(shape, DType::float32, order);
  const Groups channels = groups_of_channels(x);
  NormalizeCase c{kind, shape, {channels, channels, 1e-5, true, order}};
  if (groups > 0) {
    c.how.moments = groups_of_samples(x, groups);
    c.by_sample = true;
  }
  for (const auto dim : shape.dims()) c.name += ' ' + std::to_string(dim);
  if (order == MemoryOrder::channels_last) c.name += " channels-last";
  return c;
}
NormalizeCase layer_case(const Shape& shape, std::size_t axis, std::size_t parameter_axis) {
  NormalizeCase c{"layer", shape, {}, axis > 0};
  const auto row = shape.count(axis), scales = shape.count(parameter_axis);
  c.how.moments = {1, row > 0 ? shape.count() / row : 1, row};
  c.how.affine = {1, scales, 1};
  for (const auto dim : shape.dims()) c.name += ' ' + std::to_string(dim);
  return c;
}

std::vector<NormalizeCase> norm_cases() {
  std::vector<NormalizeCase> cases;
  const Shape images[]{{4, 6, 5, 7},  {2, 64, 8, 8},  {3, 20, 1, 1},  {1, 12, 9, 9},
                       {16, 8, 2, 2}, {5, 6, 3, 3},   {9, 3, 4, 4},   {2, 24, 16, 16},
                       {70, 2, 1, 1}, {2, 2, 40, 40}, {3, 128, 3, 3}, {10, 16, 6, 6}};
  for (const Shape& shape : images)
    for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
      cases.push_back(norm_case("batch", shape, order));
      cases.push_back(norm_case("instance", shape, order, shape[1]));
      if (shape[1] % 2 == 0) cases.push_back(norm_case("group", shape, order, 2));
      cases.push_back(norm_case("one group", shape, order, 1));
    }
  for (const Shape& shape : {Shape{64, 96}, {3, 5}, {1, 16}, {33, 130}}) {
    cases.push_back(norm_case("batch", shape, MemoryOrder::row_major));
    cases.push_back(norm_case("instance", shape, MemoryOrder::row_major, shape[1]));
    cases.push_back(norm_case("one group", shape, MemoryOrder::row_major, 1));
    cases.push_back(layer_case(shape, 1, 1));
  }
  cases.push_back(norm_case("group", {64, 96}, MemoryOrder::row_major, 6));
  for (const Shape& shape : {Shape{3, 57, 7, 7}, {20, 520, 4, 4}})  // small images of many channels
    cases.push_back(norm_case("batch", shape, MemoryOrder::row_major));
  for (const Shape& shape : {Shape{4, 3, 5, 7}, {40, 2, 16, 32}, {2, 3, 130, 128}, {6, 1, 1, 1}})
    for (std::size_t axis = 1; axis < 4; ++axis)
      for (std::size_t parameter_axis = 1; parameter_axis < 4; ++parameter_axis)
        cases.push_back(layer_case(shape, axis, parameter_axis));
  cases.push_back({"blocks of both", {2, 60}, {{2, 3, 5}, {2, 5, 2}}});
  cases.push_back({"runs that do not nest", {72}, {{1, 3, 6}, {1, 2, 4}}});
  cases.push_back({"one mean, scales of channels", {2, 2, 4, 4}, {{1, 1, 64}, {1, 2, 16}}});
  cases.push_back({"groups across the last channel", {6, 16}, {{1, 2, 48}, {1, 2, 16}}});
  cases.push_back({"a scale for each row", {24, 40}, {{1, 24, 40}, {1, 24, 40}}, true});
  return cases;
}

std::vector<NormalizeCase> large_cases() {
  std::vector<NormalizeCase> cases;
  for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
    const Shape shape{2, 3, 300, 300};
    cases.push_back(norm_case("batch", shape, order));
    cases.push_back(norm_case("instance", shape, order, 3));
    cases.push_back(norm_case("one group", shape, order, 1));
  }
  cases.push_back(layer_case({5, 3, 300, 300}, 1, 1));
  return cases;
}
std::vector<NormalizeCase> all_cases() {
  auto cases = norm_cases();
  const auto large = large_cases();
  cases.insert(cases.end(), large.begin(), large.end());
  return cases;
}
std::vector<NormalizeCase> huge_cases() {
  std::vector<NormalizeCase> cases;
  for (const auto order : {MemoryOrder::row_major, MemoryOrder::channels_last}) {
    const Shape shape{33, 40, 57, 57};
    cases.push_back(norm_case("batch", shape, order));
    cases.push_back(norm_case("instance", shape, order, 40));
    cases.push_back(norm_case("group", shape, order, 8));
  }
  cases.push_back(norm_case("group", {35, 48, 51, 51}, MemoryOrder::channels_last, 8));  // whole vectors
  cases.push_back(norm_case("batch", {43, 1000, 7, 7}, MemoryOrder::row_major));         // short strips
  cases.push_back(layer_case({33, 40, 57, 57}, 1, 1));
  return cases;
}

Array random_values(const Shape& shape, DType dtype, MemoryOrder order, unsigned seed, double mean,
                    double std) {
  std::mt19937 engine(seed);
  std::normal_distribution<double> normal(mean, std);
  Array out = Array::uninitialized(shape, dtype, order);
  dispatch_floating(dtype, [&]<class T>() {
    for (T& value : out.mutable_stored<T>()) value = static_cast<T>(normal(engine));
  });
  return out;
}

template <class T>
NormalizeReference reference(const Array& x_array, const Array& grad, const Array& gamma, const Array& beta,
                             const Normalization& how, const Moments* given) {
  const auto x = x_array.stored<T>(), dy = grad.stored<T>();
  const auto size = x_array.size();
  const auto groups = static_cast<std::size_t>(how.moments.total()),
             channels = static_cast<std::size_t>(how.affine.total());
  const auto g = [&](std::size_t i) {
    return static_cast<std::size_t>(how.moments.of(static_cast<std::int64_t>(i), size));
  };
  const auto c = [&](std::size_t i) {
    return static_cast<std::size_t>(how.affine.of(static_cast<std::int64_t>(i), size));
  };
  const auto weight = [&](std::size_t i) -> long double {
    return gamma.defined() ? gamma.data<T>()[c(i)] : 1;
  };
  NormalizeReference out;
  out.mean.resize(groups);
  out.var.resize(groups);
  const long double n = static_cast<long double>(x.size()) / static_cast<long double>(groups);
  if (given)
    for (std::size_t k = 0; k < groups; ++k) {
      out.mean[k] = given->mean.data<double>()[k];
      out.var[k] = given->var.data<double>()[k];
    }
  else {
    for (std::size_t i = 0; i < x.size(); ++i) out.mean[g(i)] += x[i] / n;
    for (std::size_t i = 0; i < x.size(); ++i)
      out.var[g(i)] += (x[i] - out.mean[g(i)]) * (x[i] - out.mean[g(i)]) / n;
  }
  const auto invstd = [&](std::size_t i) {
    return 1 / std::sqrt(out.var[g(i)] + static_cast<long double>(how.eps));
  };
  const auto xhat = [&](std::size_t i) { return (x[i] - out.mean[g(i)]) * invstd(i); };
  out.dgamma.resize(channels);
  out.dbeta.resize(channels);
  std::vector<long double> sum_h(groups), sum_hx(groups);
  for (std::size_t i = 0; i < x.size(); ++i) {
    out.y.push_back(xhat(i) * weight(i) + (beta.defined() ? beta.data<T>()[c(i)] : 0));
    out.dgamma[c(i)] += dy[i] * xhat(i);
    out.dbeta[c(i)] += dy[i];
    sum_h[g(i)] += weight(i) * dy[i];
    sum_hx[g(i)] += weight(i) * dy[i] * xhat(i);
  }
  for (std::size_t i = 0; i < x.size(); ++i) {
    const auto through = how.moments_of_input ? (sum_h[g(i)] + xhat(i) * sum_hx[g(i)]) / n : 0;
    out.dx.push_back(invstd(i) * (weight(i) * dy[i] - through));
  }
  return out;
}

template NormalizeReference reference<float>(const Array&, const Array&, const Array&, const Array&,
                                             const Normalization&, const Moments*);
template NormalizeReference reference<double>(const Array&, const Array&, const Array&, const Array&,
                                              const Normalization&, const Moments*);

template <class T>
double error_of(const Array& got, const std::vector<long double>& expected) {
  long double error = 0, largest = 0;
  const auto values = got.stored<T>();
  if (values.size() != expected.size()) return std::numeric_limits<double>::infinity();
  for (std::size_t i = 0; i < values.size(); ++i) {
    const auto apart = std::abs(static_cast<long double>(values[i]) - expected[i]);
    if (!(apart <= error)) error = apart;  // NaN as well
    largest = std::max(largest, std::abs(expected[i]));
  }
  return static_cast<double>(largest > 0 ? error / largest : error);
}

template double error_of<float>(const Array&, const std::vector<long double>&);
template double error_of<double>(const Array&, const std::vector<long double>&);

}  // namespace evenkeel::testing
