#include <evenkeel/autograd/ops/comparison.h>
#include <evenkeel/core/kernels/elementwise.h>

namespace evenkeel {
namespace {

template <class F>
Tensor compare(std::string_view op, F f, const Tensor& a, const Tensor& b) {
  return constant(kernels::zip_any<std::uint8_t>(op, f, a.stored(), b.stored()));
}
/// With a number, in double: every int64 below 2^53 is exact there, and 2.5 stays 2.5.
template <class F>
Tensor compare(F f, const Tensor& x, double number) {
  const Array& values = x.stored();
  Array out = Array::uninitialized(values.shape(), DType::uint8, values.order());
  dispatch(values.dtype(), [&]<class T>() {
    kernels::transform(
        values.size(), out.mutable_stored<std::uint8_t>().data(),
        [=](T v) { return f(static_cast<double>(v), number); }, values.stored<T>().data());
  });
  return constant(std::move(out));
}

constexpr auto eq = [](auto a, auto b) { return a == b; };
constexpr auto ne = [](auto a, auto b) { return a != b; };
constexpr auto lt = [](auto a, auto b) { return a < b; };
constexpr auto le = [](auto a, auto b) { return a <= b; };
constexpr auto gt = [](auto a, auto b) { return a > b; };
constexpr auto ge = [](auto a, auto b) { return a >= b; };

}  // namespace

Tensor operator==(const Tensor& a, const Tensor& b) { return compare("eq", eq, a, b); }
Tensor operator!=(const Tensor& a, const Tensor& b) { return compare("ne", ne, a, b); }
Tensor operator<(const Tensor& a, const Tensor& b) { return compare("lt", lt, a, b); }
Tensor operator<=(const Tensor& a, const Tensor& b) { return compare("le", le, a, b); }
Tensor operator>(const Tensor& a, const Tensor& b) { return compare("gt", gt, a, b); }
Tensor operator>=(const Tensor& a, const Tensor& b) { return compare("ge", ge, a, b); }

Tensor operator==(const Tensor& x, double number) { return compare(eq, x, number); }
Tensor operator!=(const Tensor& x, double number) { return compare(ne, x, number); }
Tensor operator<(const Tensor& x, double number) { return compare(lt, x, number); }
Tensor operator<=(const Tensor& x, double number) { return compare(le, x, number); }
Tensor operator>(const Tensor& x, double number) { return compare(gt, x, number); }
Tensor operator>=(const Tensor& x, double number) { return compare(ge, x, number); }

}  // namespace evenkeel
