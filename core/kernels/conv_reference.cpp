// The definition, written down once: what the fast kernels are tested against.

#include <evenkeel/core/kernels/conv.h>

#include <algorithm>
#include <vector>

namespace evenkeel::kernels {
namespace {

/// Calls body(x index, weight index, y index) for every product of the convolution, all row-major.
template <class Body>
void for_each_product(const Convolution& conv, Body body) {
  const Shape &x = conv.shape(Convolution::input), &w = conv.shape(Convolution::weight),
              &y = conv.shape(Convolution::output);
  const auto height = x[2], width = x[3], rows = w[2], columns = w[3], out_height = y[2], out_width = y[3];
  const auto outputs_per_group = y[1] / conv.groups();
  for (std::int64_t n = 0; n < y[0]; ++n)
    for (std::int64_t o = 0; o < y[1]; ++o)
      for (std::int64_t c = 0; c < w[1]; ++c) {
        const auto channel = n * x[1] + o / outputs_per_group * w[1] + c, tile = o * w[1] + c;
        const auto image = n * y[1] + o;
        for (std::int64_t i = 0; i < out_height; ++i)
          for (std::int64_t j = 0; j < out_width; ++j)
            for (std::int64_t kh = 0; kh < rows; ++kh)
              for (std::int64_t kw = 0; kw < columns; ++kw) {
                const auto h = conv.window.row(i, kh), v = conv.window.column(j, kw);
                if (h < 0 || h >= height || v < 0 || v >= width) continue;
                body((channel * height + h) * width + v, (tile * rows + kh) * columns + kw,
                     (image * out_height + i) * out_width + j);
              }
      }
}

}  // namespace

Array conv2d_reference(Convolution::Role target, const Array& a, const Array& b, const Convolution& conv) {
  using enum Convolution::Role;
  Array out = Array::uninitialized(conv.shape(target), a.dtype());
  const Array left = row_major(a), right = row_major(b);
  dispatch_floating(a.dtype(), [&]<class T>() {
    const T *const l = left.data<T>().data(), *const r = right.data<T>().data();
    std::vector<double> sums(static_cast<std::size_t>(out.size()));
    for_each_product(conv, [&](std::int64_t x, std::int64_t w, std::int64_t y) {
      const auto at = target == output ? y : target == input ? x : w;
      sums[static_cast<std::size_t>(at)] +=
          static_cast<double>(l[target == input ? y : x]) * static_cast<double>(r[target == weight ? y : w]);
    });
    std::ranges::transform(sums, out.mutable_data<T>().begin(),
                           [](double sum) { return static_cast<T>(sum); });
  });
  return out;
}

}  // namespace evenkeel::kernels
