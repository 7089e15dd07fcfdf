#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/layers/initializer.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>
#include <map>
#include <numbers>
#include <numeric>
#include <vector>

namespace evenkeel {
namespace {

struct Fans {
  double in, out;
};
Fans fans(const Shape& shape) {
  check(shape.rank() >= 2,
        "Initializer: 'fan_in' and 'fan_out' can not be computed for tensor with fewer than 2 dimensions, ",
        "but got dimensions ", shape.rank(), " (shape ", shape, ')');
  const auto field = static_cast<double>(shape.count(2));
  return {static_cast<double>(shape[1]) * field, static_cast<double>(shape[0]) * field};
}
double fan(const Shape& shape, Fan mode) {
  const auto [in, out] = fans(shape);
  return mode == Fan::in ? in : mode == Fan::out ? out : (in + out) / 2;
}

/// value(position) for consecutive positions of the generator, in double.
template <class Value>
Array draw(const Shape& shape, Rng& rng, Value value) {
  const auto first = rng.take(shape.count());
  return kernels::generate(shape, DType::float64, [&](std::uint64_t i) { return value(first + i); });
}
Array draw_uniform(const Shape& shape, Rng& rng, double low, double high) {
  return draw(shape, rng, [&](std::uint64_t at) { return low + (high - low) * rng.uniform(at); });
}
Array draw_normal(const Shape& shape, Rng& rng, double mean, double std) {
  return draw(shape, rng, [&](std::uint64_t at) { return mean + std * rng.normal(at); });
}

/// The standard normal's share below z.
double share_below(double z) { return std::erfc(-z / std::numbers::sqrt2) / 2; }
/// z in [low, high] with share_below(z) = share: Newton's steps, held between ever closer bounds.
double normal_quantile(double share, double low, double high) {
  double z = std::clamp(0.0, low, high);
  for (int step = 0; step < 100 && low < high; ++step) {
    const double error = share_below(z) - share;
    (error < 0 ? low : high) = z;
    const double density = std::exp(-z * z / 2) / std::sqrt(2 * std::numbers::pi);
    double next = z - error / density;
    if (!(next > low && next < high)) next = low + (high - low) / 2;
    if (std::abs(next - z) <= 1e-15 * std::max(1.0, std::abs(z))) return next;
    z = next;
  }
  return z;
}

void check_spread(const char* name, double std) {
  check(std >= 0 && std::isfinite(std), name, ": std must be finite and not negative, got ", std);
}

const std::map<std::string, Initializer>& aliases() {
  static const std::map<std::string, Initializer> all{
      {"zero", init::zeros()},
      {"zeros", init::zeros()},
      {"one", init::ones()},
      {"ones", init::ones()},
      {"normal", init::normal(0, 0.01)},
      {"uniform", init::uniform(-0.07, 0.07)},
      {"truncatednormal", init::truncated_normal(0, 0.01)},
      {"xavier_uniform", init::xavier_uniform()},
      {"xavieruniform", init::xavier_uniform()},
      {"xavier_normal", init::xavier_normal()},
      {"xaviernormal", init::xavier_normal()},
      {"he_uniform", init::he_uniform()},
      {"heuniform", init::he_uniform()},
      {"he_normal", init::he_normal()},
      {"henormal", init::he_normal()},
      {"identity", init::identity()},
      {"dirac", init::dirac()},
      {"orthogonal", init::orthogonal()},
      {"variancescaling", init::variance_scaling()},
  };
  return all;
}

const Initializer& named(const std::string& name) {
  std::string lower = name;
  std::ranges::transform(lower, lower.begin(), [](unsigned char c) { return std::tolower(c); });
  check(lower != "sparse", "Initializer: \"sparse\" needs a sparsity; use init::sparse(sparsity)");
  const auto found = aliases().find(lower);
  if (found != aliases().end()) return found->second;
  std::string known;
  for (const auto& [alias, initializer] : aliases()) known += " " + alias;
  fail("Initializer: unknown name \"", name, "\"; known are", known, "; or give a number, or init::...");
}

}  // namespace

Initializer::Initializer(const std::string& name) : make_(named(name).make_) {}
Initializer::Initializer(Constant constant)
    : make_([constant](const Shape& shape, Rng&) {
        return kernels::full(shape, DType::float64, constant.value);
      }) {}
Initializer::Initializer(const Array& values) : make_([values](const Shape&, Rng&) { return values; }) {
  check(values.defined(), "Initializer: expected an array with values, got an undefined one");
}

Array Initializer::operator()(const Shape& shape, DType dtype, Rng& rng) const {
  const Array values = make_(shape, rng);
  check(values.defined() && values.shape() == shape, "Initializer: expected shape ", shape, ", got ",
        values.shape());
  Array fresh = kernels::cast(row_major(values), dtype);
  return fresh.shares_storage_with(values) ? fresh.clone() : fresh;
}

namespace init {

Initializer zeros() { return constant(0); }
Initializer ones() { return constant(1); }
Initializer constant(double value) { return value; }

Initializer normal(double mean, double std) {
  check_spread("init::normal", std);
  return [=](const Shape& shape, Rng& rng) { return draw_normal(shape, rng, mean, std); };
}

Initializer uniform(double low, double high) {
  check(low <= high && std::isfinite(high - low), "init::uniform: expected low <= high, got ", low, " and ",
        high);
  return [=](const Shape& shape, Rng& rng) { return draw_uniform(shape, rng, low, high); };
}

Initializer truncated_normal(double mean, double std, double low, double high) {
  check_spread("init::truncated_normal", std);
  check(low < high, "init::truncated_normal: expected low < high, got ", low, " and ", high);
  return [=](const Shape& shape, Rng& rng) {
    if (std == 0) return kernels::full(shape, DType::float64, std::clamp(mean, low, high));
    // In the tail below the mean, where shares keep their digits.
    const double sign = low > mean ? -1 : 1;
    const double a = (low - mean) / std, b = (high - mean) / std;
    const double from = std::max(std::min(sign * a, sign * b), -1e3),
                 to = std::min(std::max(sign * a, sign * b), 1e3);
    const double below = share_below(from), inside = share_below(to) - below;
    return draw(shape, rng, [&](std::uint64_t at) {
      const double z = normal_quantile(below + inside * rng.uniform(at), from, to);
      return std::clamp(mean + std * sign * z, low, high);
    });
  };
}

Initializer xavier_uniform(double gain) {
  return [=](const Shape& shape, Rng& rng) {
    const auto [in, out] = fans(shape);
    const double bound = gain * std::sqrt(6 / std::max(1.0, in + out));
    return draw_uniform(shape, rng, -bound, bound);
  };
}
Initializer xavier_normal(double gain) {
  return [=](const Shape& shape, Rng& rng) {
    const auto [in, out] = fans(shape);
    return draw_normal(shape, rng, 0, gain * std::sqrt(2 / std::max(1.0, in + out)));
  };
}

double gain(Nonlinearity nonlinearity, double negative_slope) {
  switch (nonlinearity) {
    case Nonlinearity::tanh:
      return 5.0 / 3;
    case Nonlinearity::relu:
      return std::numbers::sqrt2;
    case Nonlinearity::leaky_relu:
      return std::sqrt(2 / (1 + negative_slope * negative_slope));
    case Nonlinearity::selu:
      return 0.75;
    default:
      return 1;
  }
}

namespace {
double he_std(const Shape& shape, const HeOptions& o) {
  return gain(o.nonlinearity, o.negative_slope) / std::sqrt(std::max(1.0, fan(shape, o.mode)));
}
}  // namespace
Initializer he_uniform(const HeOptions& options) {
  check(options.mode != Fan::average, "init::he_uniform: mode must be Fan::in or Fan::out");
  return [=](const Shape& shape, Rng& rng) {
    const double bound = std::numbers::sqrt3 * he_std(shape, options);
    return draw_uniform(shape, rng, -bound, bound);
  };
}
Initializer he_normal(const HeOptions& options) {
  check(options.mode != Fan::average, "init::he_normal: mode must be Fan::in or Fan::out");
  return [=](const Shape& shape, Rng& rng) { return draw_normal(shape, rng, 0, he_std(shape, options)); };
}

Initializer torch_weight() { return kaiming_uniform({.negative_slope = std::sqrt(5.0)}); }
Initializer torch_bias(const Shape& weight) {
  const double in = fan(weight, Fan::in), bound = in > 0 ? 1 / std::sqrt(in) : 0;
  return uniform(-bound, bound);
}

Initializer variance_scaling(const VarianceScalingOptions& options) {
  check(options.scale > 0 && std::isfinite(options.scale),
        "init::variance_scaling: scale must be positive, got ", options.scale);
  return [=](const Shape& shape, Rng& rng) {
    const double variance = options.scale / std::max(1.0, fan(shape, options.mode));
    if (options.distribution == Distribution::normal) return draw_normal(shape, rng, 0, std::sqrt(variance));
    return draw_uniform(shape, rng, -std::sqrt(3 * variance), std::sqrt(3 * variance));
  };
}

Initializer identity() {
  return [](const Shape& shape, Rng&) {
    check(shape.rank() == 2, "init::identity: expected a matrix, got shape ", shape);
    const auto columns = static_cast<std::uint64_t>(shape[1]);
    return kernels::generate(shape, DType::float64,
                             [=](std::uint64_t i) { return i / columns == i % columns ? 1.0 : 0.0; });
  };
}

Initializer dirac(std::int64_t groups) {
  check(groups >= 1, "init::dirac: groups must be positive, got ", groups);
  return [=](const Shape& shape, Rng&) {
    check(shape.rank() >= 3 && shape.rank() <= 5, "init::dirac: expected 3, 4 or 5 dimensions, got shape ",
          shape);
    check(shape[0] % groups == 0, "init::dirac: the first dimension (", shape[0],
          ") must be divisible by groups (", groups, ')');
    Array values(shape, DType::float64);
    if (values.size() == 0) return values;
    std::int64_t centre = 0;
    for (std::size_t axis = 2; axis < shape.rank(); ++axis) centre = centre * shape[axis] + shape[axis] / 2;
    const auto per_group = shape[0] / groups;
    const auto to = values.mutable_data<double>();
    for (std::int64_t out = 0; out < shape[0]; ++out)
      if (const auto in = out % per_group; in < shape[1])
        to[static_cast<std::size_t>((out * shape[1] + in) * shape.count(2) + centre)] = 1;
    return values;
  };
}

Initializer orthogonal(double gain) {
  return [=](const Shape& shape, Rng& rng) {
    check(shape.rank() >= 2, "init::orthogonal: expected at least 2 dimensions, got shape ", shape);
    // Gram and Schmidt on the fewer of rows and columns, each twice against what rounding leaves.
    const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape.count(1));
    const bool wide = rows < columns;
    const auto count = std::min(rows, columns), length = std::max(rows, columns);
    Array values = draw_normal(shape, rng, 0, 1);
    const auto element = values.mutable_data<double>();
    const auto at = [&](std::size_t vector, std::size_t i) -> double& {
      return element[wide ? vector * columns + i : i * columns + vector];
    };
    for (std::size_t v = 0; v < count; ++v) {
      for (std::size_t earlier = 0; earlier < 2 * v; ++earlier) {
        double along = 0;
        for (std::size_t i = 0; i < length; ++i) along += at(v, i) * at(earlier % v, i);
        for (std::size_t i = 0; i < length; ++i) at(v, i) -= along * at(earlier % v, i);
      }
      double square = 0;
      for (std::size_t i = 0; i < length; ++i) square += at(v, i) * at(v, i);
      for (std::size_t i = 0; i < length; ++i) at(v, i) /= std::sqrt(square);
    }
    for (auto& value : element) value *= gain;
    return values;
  };
}

Initializer sparse(double sparsity, double std) {
  check(sparsity >= 0 && sparsity <= 1, "init::sparse: sparsity must lie in [0, 1], got ", sparsity);
  check_spread("init::sparse", std);
  return [=](const Shape& shape, Rng& rng) {
    check(shape.rank() == 2, "init::sparse: expected a matrix, got shape ", shape);
    const auto rows = static_cast<std::size_t>(shape[0]), columns = static_cast<std::size_t>(shape[1]);
    const auto zeros = static_cast<std::ptrdiff_t>(std::ceil(sparsity * static_cast<double>(rows)));
    Array values = draw_normal(shape, rng, 0, std);
    const auto element = values.mutable_data<double>();
    const auto first = rng.take(shape.count());
    std::vector<std::size_t> order(rows);
    for (std::size_t column = 0; column < columns;
         ++column) {  // the rows in random order, the first ones zero
      std::iota(order.begin(), order.end(), std::size_t{0});
      std::ranges::stable_sort(order, {},
                               [&](std::size_t row) { return rng.uniform(first + row * columns + column); });
      std::for_each(order.begin(), order.begin() + zeros,
                    [&](std::size_t row) { element[row * columns + column] = 0; });
    }
    return values;
  };
}

}  // namespace init

std::optional<Parameter> parameter_if(bool present, const Initializer& make, const Shape& shape, DType dtype,
                                      Rng& rng) {
  if (!present) return std::nullopt;
  return Parameter(make(shape, dtype, rng));
}

void reinitialize(const std::optional<Parameter>& parameter, const Initializer& make, Rng& rng) {
  if (parameter) parameter->mutable_value().assign(make(parameter->shape(), parameter->dtype(), rng));
}

}  // namespace evenkeel
