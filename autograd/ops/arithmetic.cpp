#include <evenkeel/autograd/access.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>

#include <cmath>

namespace evenkeel {
namespace {

/// Integers wrap around, as in PyTorch, rather than overflow.
template <class T, class F>
T wrapping(T a, T b, F f) {
  if constexpr (std::is_same_v<T, std::int64_t>)
    return static_cast<T>(f(static_cast<std::uint64_t>(a), static_cast<std::uint64_t>(b)));
  else
    return static_cast<T>(f(a, b));
}
constexpr auto plus = [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x + y; }); };
constexpr auto minus = [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x - y; }); };
constexpr auto times = [](auto a, auto b) { return wrapping(a, b, [](auto x, auto y) { return x * y; }); };

/// f(element, number), the number in the tensor's dtype.
template <class F>
Array with_number(std::string_view op, F f, const Array& a, double number) {
  check(is_floating(a.dtype()) || (number == std::trunc(number) && std::abs(number) < 0x1p53), op, ": ",
        number, " is no ", a.dtype(), "; use to(dtype) on the tensor");
  return kernels::map_any(
      [=](auto v) { return static_cast<decltype(v)>(f(v, convert<decltype(v)>(number))); }, a);
}

Tensor same_gradient(const Tensor& grad, const Shape&) { return grad; }

/// x^exponent without the general power where a simpler form is exact.
template <class T>
T power(T x, double exponent) {
  if (exponent == 2) return x * x;
  if (exponent == 3) return x * x * x;
  if (exponent == 1) return x;
  if (exponent == 0.5) return std::sqrt(x);
  if (exponent == -1) return 1 / x;
  return static_cast<T>(std::pow(x, static_cast<T>(exponent)));
}

/// The share of the gradient that goes to operand a of maximum or minimum: 1, 0, or a half where both are
/// equal.
template <class Loses>
Tensor share(const Tensor& a, const Tensor& b, Loses loses) {
  const auto weight = [=](auto x, auto y) {
    using T = decltype(x);
    return x == y ? T(0.5) : loses(x, y) ? T(0) : T(1);
  };
  return constant(kernels::zip_any("share", weight, a.stored(), b.stored()));
}
constexpr auto is_less = [](auto x, auto y) { return x < y; };
constexpr auto is_greater = [](auto x, auto y) { return x > y; };

template <class Pick, class Loses>
Tensor pick_larger(std::string_view op, const Tensor& a, const Tensor& b, Pick pick, Loses loses) {
  return record({
      .op = op,
      .inputs = {a, b},
      .output = kernels::zip_any(op, pick, a.stored(), b.stored()),
      .saved = {a, b},
      .backward = [loses](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        const auto part = [&](std::size_t own, std::size_t other) {
          return sum_to(grad * share(saved[own], saved[other], loses), saved.shape(own));
        };
        return {needs(0) ? part(0, 1) : Tensor(), needs(1) ? part(1, 0) : Tensor()};
      },
  });
}

Tensor record_sum(const Tensor& a, const Tensor& b, Array sum) {
  return record({
      .op = "add",
      .inputs = {a, b},
      .output = std::move(sum),
      .backward = [](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        return {needs(0) ? sum_to(grad, saved.shape(0)) : Tensor(),
                needs(1) ? sum_to(grad, saved.shape(1)) : Tensor()};
      },
  });
}

}  // namespace

Tensor operator+(const Tensor& a, const Tensor& b) {
  return record_sum(a, b, kernels::zip_any("add", plus, a.stored(), b.stored()));
}
Tensor operator+(Tensor&& given, const Tensor& b) {
  if (&given == &b || given.shape() != b.shape() || given.dtype() != b.dtype())
    return std::as_const(given) + b;
  const Tensor a = std::move(given);  // ends here, so that its memory is the sum's alone
  const auto write = [&](Array& value) { kernels::add_in_place(value, b.stored()); };
  return TensorAccess::overwrite(a, write) ? record_sum(a, b, a.stored()) : a + b;
}
Tensor operator-(const Tensor& a, const Tensor& b) {
  return record({
      .op = "sub",
      .inputs = {a, b},
      .output = kernels::zip_any("sub", minus, a.stored(), b.stored()),
      .backward = [](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        return {needs(0) ? sum_to(grad, saved.shape(0)) : Tensor(),
                needs(1) ? -sum_to(grad, saved.shape(1)) : Tensor()};
      },
  });
}
Tensor operator*(const Tensor& a, const Tensor& b) {
  return record({
      .op = "mul",
      .inputs = {a, b},
      .output = kernels::zip_any("mul", times, a.stored(), b.stored()),
      .saved = {a, b},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        return {needs(0) ? sum_to(grad * saved[1], saved.shape(0)) : Tensor(),
                needs(1) ? sum_to(grad * saved[0], saved.shape(1)) : Tensor()};
      },
  });
}
Tensor operator/(const Tensor& a, const Tensor& b) {
  kernels::check_floating("div", a.stored());
  return record({
      .op = "div",
      .inputs = {a, b},
      .output = kernels::zip_any(
          "div", [](auto x, auto y) { return x / y; }, a.stored(), b.stored()),
      .saved = {a, b},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        const Tensor over_b = grad / saved[1];
        return {needs(0) ? sum_to(over_b, saved.shape(0)) : Tensor(),
                needs(1) ? sum_to(-(over_b * (saved[0] / saved[1])), saved.shape(1)) : Tensor()};
      },
  });
}

Tensor operator+(const Tensor& x, double number) {
  return record_linear_map("add", x, with_number("add", plus, x.stored(), number), same_gradient);
}
Tensor operator*(const Tensor& x, double number) {
  return record_linear_map("mul", x, with_number("mul", times, x.stored(), number),
                           [=](const Tensor& grad, const Shape&) { return grad * number; });
}
Tensor operator-(const Tensor& x, double number) {
  return record_linear_map("sub", x, with_number("sub", minus, x.stored(), number), same_gradient);
}
Tensor operator-(double number, const Tensor& x) {
  const auto from_number = [](auto v, auto n) { return minus(n, v); };
  return record_linear_map("sub", x, with_number("sub", from_number, x.stored(), number),
                           [](const Tensor& grad, const Shape&) { return -grad; });
}
Tensor operator-(const Tensor& x) {
  const auto negate = []<class T>(T v) {
    return std::is_floating_point_v<T> ? static_cast<T>(-v) : minus(T{0}, v);
  };
  return record_linear_map("neg", x, kernels::map_any(negate, x.stored()),
                           [](const Tensor& grad, const Shape&) { return -grad; });
}
Tensor operator+(double number, const Tensor& x) { return x + number; }
Tensor operator*(double number, const Tensor& x) { return x * number; }

Tensor operator/(const Tensor& x, double number) {
  kernels::check_floating("div", x.stored());
  return record_linear_map("div", x,
                           with_number(
                               "div", [](auto v, auto n) { return v / n; }, x.stored(), number),
                           [=](const Tensor& grad, const Shape&) { return grad / number; });
}
Tensor operator/(double number, const Tensor& x) {
  kernels::check_floating("div", x.stored());
  return record({
      .op = "div",
      .inputs = {x},
      .output = with_number(
          "div", [](auto v, auto n) { return n / v; }, x.stored(), number),
      .saved = {x},
      .backward = [=](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        return {-(grad / saved[0]) * (number / saved[0])};
      },
  });
}

Tensor pow(const Tensor& x, double exponent) {
  return record({
      .op = "pow",
      .inputs = {x},
      .output = kernels::map(
          "pow", [=](auto v) { return power(v, exponent); }, x.stored()),
      .saved = {x},
      .backward = [=](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
        if (exponent == 0) return {constant(kernels::full(grad.shape(), grad.dtype(), 0))};
        return {grad * (pow(saved[0], exponent - 1) * exponent)};
      },
  });
}
Tensor pow(const Tensor& x, const Tensor& exponent) {
  kernels::check_floating("pow", x.stored());
  return record({
      .op = "pow",
      .inputs = {x, exponent},
      .output = kernels::zip_any(
          "pow", [](auto v, auto e) { return std::pow(v, e); }, x.stored(), exponent.stored()),
      .saved = {x, exponent},
      .save_output = true,
      .backward = [](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        const Tensor base = saved[0], e = saved[1];
        const Tensor zero = constant(kernels::full({}, grad.dtype(), 0));
        const auto is = [](auto test, const Tensor& a, const Tensor& b) {
          return constant(kernels::zip_any<std::uint8_t>("pow", test, a.stored(), b.stored()));
        };
        const auto dx = [&] {
          const Tensor flat = is([](auto n, auto) { return n == 0; }, e, base);
          return sum_to(where(flat, zero, grad * (e * pow(base, e - 1))), saved.shape(0));
        };
        const auto de = [&] {
          const Tensor flat = is([](auto v, auto n) { return v == 0 && n >= 0; }, base, e);
          return sum_to(where(flat, zero, grad * (saved.output() * log(base))), saved.shape(1));
        };
        return {needs(0) ? dx() : Tensor(), needs(1) ? de() : Tensor()};
      },
  });
}

Tensor maximum(const Tensor& a, const Tensor& b) {
  return pick_larger(
      "maximum", a, b, [](auto x, auto y) { return x > y || x != x ? x : y; }, is_less);
}
Tensor minimum(const Tensor& a, const Tensor& b) {
  return pick_larger(
      "minimum", a, b, [](auto x, auto y) { return x < y || x != x ? x : y; }, is_greater);
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  check(condition.dtype() == DType::uint8, "where: expected a uint8 condition, got ", condition.dtype(), ' ',
        condition.shape());
  kernels::check_same_dtype("where", a.stored(), b.stored());
  const Array& c = condition.stored();
  const Shape both = kernels::broadcast_shape("where", a.stored(), b.stored());
  const Shape shape = kernels::broadcast_shape("where", c, Array::uninitialized(both, DType::uint8));
  auto order = MemoryOrder::row_major;
  for (const auto* operand : {&c, &b.stored(), &a.stored()})
    if (operand->shape() == shape) order = operand->order();
  const Array mask = kernels::expand(c, shape, order), x = kernels::expand(a.stored(), shape, order),
              y = kernels::expand(b.stored(), shape, order);
  Array out = Array::uninitialized(shape, a.dtype(), order);
  dispatch(a.dtype(), [&]<class T>() {
    const std::uint8_t* const taken = mask.stored<std::uint8_t>().data();
    const T *const left = x.stored<T>().data(), *const right = y.stored<T>().data();
    T* const to = out.mutable_stored<T>().data();
    parallel_for(out.size(), elements_per_task, [=](std::int64_t begin, std::int64_t end) {
      for (auto i = begin; i < end; ++i) to[i] = taken[i] != 0 ? left[i] : right[i];
    });
  });
  return record({
      .op = "where",
      .inputs = {condition, a, b},
      .output = std::move(out),
      .saved = {condition},
      .backward = [](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
        const Tensor zero = constant(kernels::full({}, grad.dtype(), 0));
        return {Tensor(), needs(1) ? sum_to(where(saved[0], grad, zero), saved.shape(1)) : Tensor(),
                needs(2) ? sum_to(where(saved[0], zero, grad), saved.shape(2)) : Tensor()};
      },
  });
}

Tensor to(const Tensor& x, DType dtype) {
  if (x.dtype() == dtype) return x;
  Array values = kernels::cast(x.stored(), dtype);
  if (!is_floating(dtype) || !is_floating(x.dtype())) return constant(std::move(values));
  return record_linear_map("to", x, std::move(values),
                           [from = x.dtype()](const Tensor& grad, const Shape&) { return to(grad, from); });
}
Tensor Tensor::to(DType dtype) const { return evenkeel::to(*this, dtype); }

}  // namespace evenkeel
