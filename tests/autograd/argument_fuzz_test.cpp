#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/comparison.h>
#include <evenkeel/autograd/ops/conv.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/linear.h>
#include <evenkeel/autograd/ops/math.h>
#include <evenkeel/autograd/ops/matmul.h>
#include <evenkeel/autograd/ops/normalize.h>
#include <evenkeel/autograd/ops/pool.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/tests/support/argument_fuzz.h>

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace evenkeel {
namespace {

using testing::Arguments;
using testing::Call;

/// f(a, b) for tensors that may fit.
template <class F>
Call pair_call(const std::string& name, F f) {
  return {name, [=](Arguments& any) {
            const Tensor a = any.tensor(), b = any.tensor_like(a);
            return any.flag() ? f(a, b) : f(b, a);
          }};
}
/// f(x, number) on either side.
template <class F>
Call number_call(const std::string& name, F f) {
  return {name, [=](Arguments& any) {
            const Tensor x = any.tensor();
            const double number = any.number();
            return any.flag() ? f(x, number) : f(number, x);
          }};
}
template <class F>
Call unary_call(const std::string& name, F f) {
  return {name, [=](Arguments& any) { return f(any.tensor()); }};
}

void add_elementwise(std::vector<Call>& calls) {
  const auto add = [&](const std::string& name, auto f) {
    calls.push_back(pair_call(name, f));
    calls.push_back(number_call(name + " number", f));
  };
  add("add", [](const auto& a, const auto& b) { return a + b; });
  add("sub", [](const auto& a, const auto& b) { return a - b; });
  add("mul", [](const auto& a, const auto& b) { return a * b; });
  add("div", [](const auto& a, const auto& b) { return a / b; });
  const auto pairs = [&](const std::string& name, auto f) { calls.push_back(pair_call(name, f)); };
  pairs("pow", [](const Tensor& a, const Tensor& b) { return pow(a, b); });
  pairs("maximum", [](const Tensor& a, const Tensor& b) { return maximum(a, b); });
  pairs("minimum", [](const Tensor& a, const Tensor& b) { return minimum(a, b); });
  pairs("eq", [](const Tensor& a, const Tensor& b) { return a == b; });
  pairs("lt", [](const Tensor& a, const Tensor& b) { return a < b; });
  pairs("add_", [](const Tensor& a, const Tensor& b) { return Tensor(a * 1).add_(b); });
  pairs("copy_", [](const Tensor& a, const Tensor& b) { return Tensor(a * 1).copy_(b); });
  const auto unary = [&](const std::string& name, auto f) { calls.push_back(unary_call(name, f)); };
  unary("neg", [](const Tensor& x) { return -x; });
  unary("exp", [](const Tensor& x) { return exp(x); });
  unary("log", [](const Tensor& x) { return log(x); });
  unary("sqrt", [](const Tensor& x) { return sqrt(x); });
  unary("abs", [](const Tensor& x) { return abs(x); });
  calls.push_back({"gt number", [](Arguments& any) { return any.tensor() > any.number(); }});
  calls.push_back({"pow number", [](Arguments& any) { return pow(any.tensor(), any.number()); }});
  calls.push_back({"fill_", [](Arguments& any) { return Tensor(any.tensor() * 1).fill_(any.number()); }});
  calls.push_back(
      {"add_ number", [](Arguments& any) { return Tensor(any.tensor() * 1).add_(any.number()); }});
  calls.push_back({"clamp", [](Arguments& any) {
                     ClampOptions options;
                     if (any.flag()) options.min = any.number();
                     if (any.flag()) options.max = any.number();
                     return clamp(any.tensor(), options);
                   }});
  calls.push_back({"where", [](Arguments& any) {
                     const Tensor a = any.tensor(), b = any.tensor_like(a), c = any.tensor_like(a);
                     return where(any.flag() && c.defined() ? to(c, DType::uint8) : c, a, b);
                   }});
  calls.push_back(
      {"to", [](Arguments& any) {
         return to(any.tensor(), any.any({DType::float32, DType::float64, DType::int64, DType::uint8}));
       }});
}

void add_reductions(std::vector<Call>& calls) {
  const auto add = [&](const std::string& name, auto f) {
    calls.push_back({name, [=](Arguments& any) {
                       return f(any.tensor(), ReduceOptions{any.integers(), any.flag()});
                     }});
  };
  add("sum", [](const Tensor& x, const ReduceOptions& o) { return sum(x, o); });
  add("mean", [](const Tensor& x, const ReduceOptions& o) { return mean(x, o); });
  add("max", [](const Tensor& x, const ReduceOptions& o) { return max(x, o); });
  add("min", [](const Tensor& x, const ReduceOptions& o) { return min(x, o); });
  calls.push_back({"var", [](Arguments& any) {
                     return var(any.tensor(), {any.integers(), any.flag(), any.number()});
                   }});
  const auto axis = [](Arguments& any) {
    return any.one_in(4) ? std::nullopt : std::optional(any.integer());
  };
  calls.push_back({"argmax", [=](Arguments& any) { return argmax(any.tensor(), axis(any), any.flag()); }});
  calls.push_back({"argmin", [=](Arguments& any) { return argmin(any.tensor(), axis(any), any.flag()); }});
  calls.push_back({"sum_to", [](Arguments& any) {
                     const Shape shape = any.shape();
                     return sum_to(any.tensor(shape), any.like(shape));
                   }});
  calls.push_back({"expand", [](Arguments& any) {
                     const Shape shape = any.shape();
                     return expand(any.tensor(any.like(shape)), shape, any.order());
                   }});
  calls.push_back({"group_sum", [](Arguments& any) {
                     const Shape shape = any.shape();
                     return group_sum(any.tensor(shape), any.groups_of(shape), any.order());
                   }});
  calls.push_back(
      {"spread", [](Arguments& any) {
         const Shape shape = any.shape();
         const Groups groups = any.groups_of(shape);
         const bool fits = groups.count > 0 && groups.count < 1000 && groups.blocks > 0 && groups.blocks < 9;
         return spread(any.tensor(fits ? Shape{groups.total()} : any.shape()), groups, shape, any.order());
       }});
}

void add_moving(std::vector<Call>& calls) {
  const auto add = [&](const std::string& name, auto f) { calls.push_back({name, f}); };
  add("reshape", [](Arguments& any) { return reshape(any.tensor(), any.shape()); });
  add("reshape inferred", [](Arguments& any) {
    return reshape(any.tensor(), {any.integer(), any.integer()});
  });
  add("flatten", [](Arguments& any) { return flatten(any.tensor(), any.integer(), any.integer()); });
  add("permute", [](Arguments& any) { return permute(any.tensor(), any.integers()); });
  add("transpose", [](Arguments& any) { return transpose(any.tensor(), any.integer(), any.integer()); });
  add("squeeze", [](Arguments& any) {
    return any.flag() ? squeeze(any.tensor()) : squeeze(any.tensor(), any.integer());
  });
  add("unsqueeze", [](Arguments& any) { return unsqueeze(any.tensor(), any.integer()); });
  add("concat", [](Arguments& any) { return concat(any.tensors(), any.integer()); });
  add("stack", [](Arguments& any) { return stack(any.tensors(), any.integer()); });
  add("slice", [](Arguments& any) {
    return slice(any.tensor(), {any.integer(), any.integer(), any.integer()});
  });
  add("place", [](Arguments& any) {
    const Tensor x = any.tensor();
    return place(x, any.like(x.shape()), static_cast<std::size_t>(any.below(7)), any.integer());
  });
  add("gather",
      [](Arguments& any) { return gather("gather", any.tensor(), to(any.tensor(), DType::int64)); });
  add("scatter", [](Arguments& any) {
    const Tensor x = any.tensor();
    return scatter(x, to(any.tensor_like(x), DType::int64), any.shape());
  });
  add("reorder", [](Arguments& any) { return reorder(any.tensor(), any.order()); });
  add("nchw_of_nhwc", [](Arguments& any) { return nchw_of_nhwc(any.tensor()); });
  add("nhwc_of_nchw", [](Arguments& any) { return nhwc_of_nchw(any.tensor()); });
  add("arange", [](Arguments& any) {
    const auto small = [&] { return any.below(20) - 10; };
    return any.flag() ? arange(small(), small(), any.integer()) : arange(small());
  });
  add("at", [](Arguments& any) {
    const Tensor x = any.tensor();
    x.at({any.integer(), any.integer()});
    return x;
  });
  add("item", [](Arguments& any) {
    const Tensor x = any.tensor();
    x.item<std::int64_t>();
    return x;
  });
}

void add_products(std::vector<Call>& calls) {
  calls.push_back({"matmul", [](Arguments& any) {
                     const Tensor a = any.tensor();
                     Tensor b = any.tensor_like(a);
                     if (any.flag() && b.defined() && b.shape().rank() > 1) b = transpose(b, -1, -2);
                     return matmul(a, b);
                   }});
  calls.push_back({"product", [](Arguments& any) {
                     const Tensor a = any.tensor();
                     return product("product", a, any.tensor_like(a), {any.flag(), any.flag()});
                   }});
  calls.push_back({"linear", [](Arguments& any) {
                     const Tensor x = any.tensor();
                     const auto rank = x.shape().rank();
                     const auto in = rank == 0 ? 3 : x.shape()[rank - 1], out = any.below(4);
                     return linear(x, any.tensor(any.like({out, in})), any.tensor(any.like({out})));
                   }});
}

void add_images(std::vector<Call>& calls) {
  calls.push_back(
      {"conv2d", [](Arguments& any) {
         const Tensor x = any.tensor(any.one_in(8) ? any.shape() : any.shape(any.one_in(5) ? 3 : 4));
         const auto format = any.format();
         const auto rank = x.shape().rank();
         const auto channels = rank < 3 ? 1 : x.shape()[format == DataFormat::NHWC ? rank - 1 : rank - 3];
         const Shape weight{any.below(5), any.one_in(6) ? 1 : channels, any.below(4), any.below(4)};
         const auto mostly = [&](std::int64_t usual) { return any.one_in(4) ? any.size() : Size2(usual); };
         return conv2d(x, any.tensor(any.one_in(8) ? any.like(weight) : weight),
                       any.flag() ? Tensor() : any.tensor({weight[0]}),
                       {.stride = mostly(1),
                        .padding = mostly(1),
                        .dilation = mostly(1),
                        .groups = any.one_in(3) ? any.integer() : 1,
                        .data_format = format});
       }});
  const auto images = [](Arguments& any) {
    return any.tensor(any.one_in(8) ? any.shape() : any.shape(3 + any.below(2)));
  };
  const auto stride = [](Arguments& any) { return any.flag() ? std::nullopt : std::optional(any.size()); };
  const auto padding = [](Arguments& any) { return any.flag() ? Size2(0) : any.size(); };
  const auto kernel = [](Arguments& any) { return any.flag() ? Size2(1 + any.below(3)) : any.size(); };
  calls.push_back({"max_pool2d", [=](Arguments& any) {
                     const Tensor x = images(any);  // drawn first, whatever the compiler
                     return max_pool2d(x, {kernel(any), stride(any), padding(any),
                                           any.flag() ? 1 : any.size(), any.flag(), any.format()});
                   }});
  calls.push_back(
      {"avg_pool2d", [=](Arguments& any) {
         const Tensor x = images(any);
         return avg_pool2d(x, {kernel(any), stride(any), padding(any), any.flag(), any.flag(), any.format()});
       }});
  calls.push_back({"adaptive_avg_pool2d", [=](Arguments& any) {
                     return adaptive_avg_pool2d(images(any), {any.size(), any.format()});
                   }});
  calls.push_back({"normalize", [](Arguments& any) {
                     const Shape shape = any.shape(any.one_in(3) ? any.below(7) : 4);
                     const auto order = shape.rank() < 4 ? MemoryOrder::row_major : any.order();
                     const Normalization how{any.groups_of(shape), any.groups_of(shape), any.number(),
                                             any.flag(), any.one_in(9) ? any.order() : order};
                     const auto one_each = [&](const Groups& groups) {
                       const bool few =
                           groups.blocks >= 0 && groups.blocks < 99 && groups.count >= 0 && groups.count < 99;
                       const Shape fitting{few ? groups.total() : 3};
                       return any.one_in(5) ? any.like(fitting) : fitting;
                     };
                     const Tensor x = any.tensor(shape), gamma = any.tensor(one_each(how.affine)),
                                  beta = any.flag() ? Tensor() : any.tensor(one_each(how.affine));
                     if (any.flag()) return normalize(x, gamma, beta, how).output;
                     const auto moments = [&] {
                       return any.one_in(9) ? Array() : Array(one_each(how.moments), DType::float64);
                     };
                     return normalize(x, gamma, beta, {moments(), moments(), any.integer()}, how);
                   }});
}

std::vector<Call> all_calls() {
  std::vector<Call> calls;
  add_elementwise(calls);
  add_reductions(calls);
  add_moving(calls);
  add_products(calls);
  add_images(calls);
  return calls;
}

TEST(ArgumentFuzz, OnlyAResultOrAnErrorComesOut) { testing::expect_results_or_errors(all_calls()); }

}  // namespace
}  // namespace evenkeel
