#include <evenkeel/core/kernels/simd.h>
#include <evenkeel/core/kernels/update.h>
#include <evenkeel/core/parallel.h>

#include <cmath>

namespace evenkeel::kernels {
namespace {

using simd::multiply_add;

/// Nets have many parameters, and most are small: threads pay only for the large ones,
/// which are cut finely, so that they end together.
constexpr std::int64_t grain_for(std::int64_t size) { return size < 65'536 ? 65'536 : 16'384; }

/// The gradient of what is minimized, with the pull of weight decay towards 0. Without decay the value is out
/// of it: 0 * inf would be NaN.
template <class T>
struct Descent {
  T sign, decay;
  T operator()(T grad, T value) const {
    return decay == 0 ? sign * grad : multiply_add(decay, value, sign * grad);
  }
};

template <class T>
void sgd_loop(T* value, const T* grad, std::int64_t size, const SgdStep& step) {
  const Descent<T> descent{T(step.maximize ? -1 : 1), T(step.weight_decay)};
  const T lr = T(step.lr);
  parallel_for(size, grain_for(size), [=](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) value[i] = multiply_add(-lr, descent(grad[i], value[i]), value[i]);
  });
}

template <class T>
void sgd_momentum_loop(T* value, T* velocity, const T* grad, std::int64_t size, const SgdStep& step) {
  const Descent<T> descent{T(step.maximize ? -1 : 1), T(step.weight_decay)};
  const T lr = T(step.lr), momentum = T(step.momentum);
  const T kept = step.first ? T(0) : momentum, taken = step.first ? T(1) : T(1 - step.dampening);
  const bool nesterov = step.nesterov;
  parallel_for(size, grain_for(size), [=](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const T g = descent(grad[i], value[i]);
      const T v = multiply_add(kept, velocity[i], taken * g);
      velocity[i] = v;
      value[i] = multiply_add(-lr, nesterov ? multiply_add(momentum, v, g) : v, value[i]);
    }
  });
}

/// The larger one; NaN wins.
template <class T>
T larger(T a, T b) {
  return a > b || a != a ? a : b;
}

template <bool amsgrad, class T>
void adam_loop(T* value, T* exp_avg, T* exp_avg_sq, T* max_exp_avg_sq, const T* grad, std::int64_t size,
               const AdamStep& step) {
  const Descent<T> descent{T(step.maximize ? -1 : 1), T(step.gradient_decay)};
  const T beta1 = T(step.beta1), beta2 = T(step.beta2);
  const T rest1 = T(1 - step.beta1), rest2 = T(1 - step.beta2);
  const T step_size = T(step.step_size), root_correction = T(step.root_correction), eps = T(step.eps);
  const T factor = T(step.value_factor);
  parallel_for(size, grain_for(size), [=](std::int64_t begin, std::int64_t end) {
    for (auto i = begin; i < end; ++i) {
      const T g = descent(grad[i], value[i]);
      const T m = multiply_add(beta1, exp_avg[i], rest1 * g);
      const T v = multiply_add(beta2, exp_avg_sq[i], rest2 * g * g);
      exp_avg[i] = m;
      exp_avg_sq[i] = v;
      T square = v;
      if constexpr (amsgrad) max_exp_avg_sq[i] = square = larger(max_exp_avg_sq[i], v);
      const T divisor = std::sqrt(square) / root_correction + eps;
      value[i] = multiply_add(-step_size, m / divisor, value[i] * factor);
    }
  });
}

}  // namespace

void sgd_step(Array& value, Array& velocity, const Array& grad, const SgdStep& step) {
  dispatch_floating(value.dtype(), [&]<class T>() {
    T* const to = value.mutable_data<T>().data();
    const T* const g = grad.data<T>().data();
    if (step.momentum == 0)
      sgd_loop(to, g, value.size(), step);
    else
      sgd_momentum_loop(to, velocity.mutable_data<T>().data(), g, value.size(), step);
  });
}

void adam_step(Array& value, Array& exp_avg, Array& exp_avg_sq, Array* max_exp_avg_sq, const Array& grad,
               const AdamStep& step) {
  dispatch_floating(value.dtype(), [&]<class T>() {
    T* const to = value.mutable_data<T>().data();
    T *const m = exp_avg.mutable_data<T>().data(), *const v = exp_avg_sq.mutable_data<T>().data();
    const T* const g = grad.data<T>().data();
    if (max_exp_avg_sq != nullptr)
      adam_loop<true>(to, m, v, max_exp_avg_sq->mutable_data<T>().data(), g, value.size(), step);
    else
      adam_loop<false, T>(to, m, v, nullptr, g, value.size(), step);
  });
}

}  // namespace evenkeel::kernels
