#include <evenkeel/core/kernels/activation.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/core/kernels/exponential.h>
#include <evenkeel/core/kernels/line_vectors.h>

#include <array>
#include <cmath>
#include <numbers>

namespace evenkeel::kernels {
namespace {

/// f<T>(x, more...) for vectors of the elements, T being their type.
template <class F, class... More>
Array map_vectors(std::string_view op, F f, const Array& x, const More&... more) {
  check_floating(op, x);
  (check_same_dtype(op, x, more), ...);
  if (!(... && (more.order() == x.order()))) return map_vectors(op, f, x, in_order(more, x.order())...);
  Array out = Array::uninitialized(x.shape(), x.dtype(), x.order());
  dispatch_floating(x.dtype(), [&]<class T>() {
    T* const to = out.mutable_stored<T>().data();
    const auto apply = [=, size = x.size()](const auto*... from) {
      parallel_for(size, elements_per_task / 4, [=](std::int64_t begin, std::int64_t end) {
        for_each_stretch(end - begin, [=](Stretch at) {
          at.store(to + begin, f.template operator()<T>(at.load(from + begin)...));
        });
      });
    };
    apply(x.stored<T>().data(), more.template stored<T>().data()...);
  });
  return out;
}

[[gnu::always_inline]] inline simd::Bits sign_of(Doubles v) {
  return reinterpret_cast<simd::Bits>(v) & reinterpret_cast<simd::Bits>(simd::broadcast(-0.0));
}
[[gnu::always_inline]] inline Doubles absolute(Doubles v) {
  return reinterpret_cast<Doubles>(reinterpret_cast<simd::Bits>(v) ^ sign_of(v));
}

/// share = 1 / (1 + e^-v), and rest = 1 - share without cancellation; by the exponential that does not
/// overflow.
struct Logistic {
  Doubles share, rest;
};
template <class T>
[[gnu::always_inline]] inline Logistic logistic(Doubles v) {
  const Doubles e = simd::exp<T>(-absolute(v)), larger = 1 / (1 + e), smaller = e * larger;
  return {v < 0 ? smaller : larger, v < 0 ? larger : smaller};
}

/// The standard normal distribution and its density.
struct Normal {
  Doubles below, density;
};

/// For results to be rounded to float: Phi(-a) = e^(-a^2 / 2) t Q(t) with t = 1 / (1 + a / 3.5), where Q
/// interpolates at Chebyshev's points of 0 <= a <= 14.5 with an error of 2.1e-10; beyond, a float is 0.
template <class T>
[[gnu::always_inline]] inline Normal normal(Doubles v) {
  const Doubles e = simd::exp<T>(v * v * -0.5);
  constexpr double at_zero = std::numbers::inv_sqrtpi / std::numbers::sqrt2;
  if constexpr (std::is_same_v<T, float>) {
    constexpr std::array q{0.11398166141756785, 0.11403629166096639,  0.10400618945937047,
                           0.09111962038162191, 0.035568921088825145, 0.1166489115478046,
                           -0.1931337689969409, 0.32612880146223583,  -0.38884132618420825,
                           0.25513583464211786, -0.08694181915850495, 0.012290682704602639};
    const Doubles t = 3.5 / (3.5 + absolute(v));
    Doubles sum = simd::broadcast(q.back());
    for (std::size_t i = q.size() - 1; i-- > 0;) sum = simd::multiply_add(sum, t, simd::broadcast(q[i]));
    const Doubles tail = e * t * sum;
    return {v > 0 ? 1 - tail : tail, e * at_zero};
  } else {
    Doubles below;
    for (std::int64_t lane = 0; lane < simd::lanes<double>; ++lane)
      below[lane] = std::erfc(v[lane] * (-std::numbers::sqrt2 / 2)) / 2;
    return {below, e * at_zero};
  }
}

/// (1 + tanh(u)) / 2 of the approximation of gelu, which is the logistic function of 2u, and the slope of 2u.
constexpr double gelu_scale = 2 * std::numbers::sqrt2 * std::numbers::inv_sqrtpi, gelu_cubic = 0.044715;
template <class T>
[[gnu::always_inline]] inline Logistic gelu_share(Doubles v) {
  return logistic<T>(v * (1 + v * v * gelu_cubic) * gelu_scale);
}
[[gnu::always_inline]] inline Doubles gelu_slope(Doubles v) {
  return (1 + v * v * (3 * gelu_cubic)) * gelu_scale;
}

}  // namespace

Array sigmoid(const Array& x) {
  return map_vectors(
      "sigmoid", []<class T>(Doubles v) { return logistic<T>(v).share; }, x);
}
Array sigmoid_backward(const Array& grad, const Array& y) {
  return map_vectors(
      "sigmoid", []<class T>(Doubles v, Doubles g) { return g * (v * (1 - v)); }, y, grad);
}

Array tanh(const Array& x) {
  return map_vectors(
      "tanh",
      []<class T>(Doubles v) {
        const Doubles e = simd::expm1<T>(simd::clamp(v, -40, 40) * 2), y = e / (e + 2);
        return reinterpret_cast<Doubles>(reinterpret_cast<simd::Bits>(y) | sign_of(v));  // of a zero too
      },
      x);
}
Array tanh_backward(const Array& grad, const Array& y) {
  return map_vectors(
      "tanh", []<class T>(Doubles v, Doubles g) { return g * (1 - v * v); }, y, grad);
}

Array silu(const Array& x) {
  return map_vectors(
      "silu", []<class T>(Doubles v) { return v * logistic<T>(v).share; }, x);
}
Array silu_backward(const Array& grad, const Array& x) {
  return map_vectors(
      "silu",
      []<class T>(Doubles v, Doubles g) {
        const auto [share, rest] = logistic<T>(v);
        return g * (share * (1 + v * rest));
      },
      x, grad);
}

Array gelu(const Array& x) {
  return map_vectors(
      "gelu", []<class T>(Doubles v) { return v * normal<T>(v).below; }, x);
}
Array gelu_backward(const Array& grad, const Array& x) {
  return map_vectors(
      "gelu",
      []<class T>(Doubles v, Doubles g) {
        const auto [below, density] = normal<T>(v);
        return g * (below + v * density);
      },
      x, grad);
}

Array gelu_tanh(const Array& x) {
  return map_vectors(
      "gelu", []<class T>(Doubles v) { return v * gelu_share<T>(v).share; }, x);
}
Array gelu_tanh_backward(const Array& grad, const Array& x) {
  return map_vectors(
      "gelu",
      []<class T>(Doubles v, Doubles g) {
        const auto [share, rest] = gelu_share<T>(v);
        // Of a huge v, whose square is no number, share or rest is 0, and what it is multiplied with finite.
        return g * (share + v * share * rest * gelu_slope(simd::clamp(v, -1e100, 1e100)));
      },
      x, grad);
}

Array softplus(const Array& x, double beta, double threshold) {
  return map_vectors(
      "softplus",
      [=]<class T>(Doubles v) {
        const Doubles scaled = v * beta, positive = scaled < 0 ? Doubles{} : scaled;
        const Doubles soft = (positive + simd::log1p<T>(simd::exp<T>(-absolute(scaled)))) / beta;
        return scaled > threshold ? v : soft;
      },
      x);
}
Array softplus_backward(const Array& grad, const Array& x, double beta, double threshold) {
  return map_vectors(
      "softplus",
      [=]<class T>(Doubles v, Doubles g) {
        const Doubles scaled = v * beta;
        return scaled > threshold ? g : g * logistic<T>(scaled).share;
      },
      x, grad);
}

}  // namespace evenkeel::kernels
