#include <evenkeel/core/kernels/softmax.h>
#include <evenkeel/core/kernels/softmax_parts.h>

#include <cmath>

namespace evenkeel::kernels {
namespace {

/// body(from, more..., to) for every row of matrices of one shape.
template <class Body, class... More>
Array map_rows(Body body, const Array& first, const More&... more) {
  Array out = Array::uninitialized(first.shape(), first.dtype());
  const auto rows = first.shape()[0], classes = first.shape()[1];
  dispatch_floating(first.dtype(), [&]<class T>() {
    T* const to = out.mutable_data<T>().data();
    const auto each = [=](const auto*... from) {
      for_each_row(rows, classes, [=](std::int64_t row) {
        const auto at = row * classes;
        body(classes, (from + at)..., to + at);
      });
    };
    each(first.data<T>().data(), more.template data<T>().data()...);
  });
  return out;
}

}  // namespace

Array softmax(const Array& x) {
  return map_rows(
      []<class T>(std::int64_t classes, const T* from, T* to) {
        const double sum = sum_of_exponentials(from, classes, largest_of(from, classes),
                                               [=](Stretch at, Doubles terms) { at.store(to, terms); });
        const Doubles share = simd::broadcast(1 / sum);
        for_each_stretch(classes, [=](Stretch at) { at.store(to, at.load(to) * share); });
      },
      x);
}

Array softmax_backward(const Array& grad, const Array& y) {
  return map_rows(
      []<class T>(std::int64_t classes, const T* dy, const T* from, T* to) {
        Doubles sum{};
        for_each_stretch(classes, [&](Stretch at) { sum += at.load(dy) * at.load(from); });
        const Doubles mean = simd::broadcast(simd::sum_of_lanes(sum));
        for_each_stretch(classes, [=](Stretch at) { at.store(to, at.load(from) * (at.load(dy) - mean)); });
      },
      grad, y);
}

Array log_softmax(const Array& x) {
  return map_rows(
      []<class T>(std::int64_t classes, const T* from, T* to) {
        const double largest = largest_of(from, classes);
        const double sum = sum_of_exponentials(from, classes, largest, [](Stretch, Doubles) {});
        const Doubles log_sum = simd::broadcast(std::log(sum)), shift = simd::broadcast(largest);
        for_each_stretch(classes, [=](Stretch at) { at.store(to, at.load(from) - shift - log_sum); });
      },
      x);
}

Array log_softmax_backward(const Array& grad, const Array& y) {
  return map_rows(
      []<class T>(std::int64_t classes, const T* dy, const T* from, T* to) {
        Doubles sum{};
        for_each_stretch(classes, [&](Stretch at) { sum += at.load(dy); });
        const Doubles total = simd::broadcast(simd::sum_of_lanes(sum));
        for_each_stretch(
            classes, [=](Stretch at) { at.store(to, at.load(dy) - simd::exp<T>(at.load(from)) * total); });
      },
      grad, y);
}

}  // namespace evenkeel::kernels
