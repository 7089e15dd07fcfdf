#pragma once
/// Calls ops with any arguments at all: a result or an Error may come out, nothing else.

#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/autograd/ops/shape_ops.h>
#include <evenkeel/core/groups.h>
#include <evenkeel/core/window.h>

#include <gtest/gtest.h>

#include <cmath>
#include <functional>
#include <initializer_list>
#include <limits>
#include <random>
#include <string>
#include <vector>

namespace evenkeel::testing {

/// Arguments that no one would write, and among them enough that fit together.
class Arguments {
 public:
  explicit Arguments(unsigned seed) : engine_(seed) {}

  bool one_in(int n) { return below(n) == 0; }
  std::int64_t below(std::int64_t n) {
    return std::uniform_int_distribution<std::int64_t>(0, n - 1)(engine_);
  }
  template <class T>
  T any(std::initializer_list<T> choices) {
    return choices.begin()[below(static_cast<std::int64_t>(choices.size()))];
  }

  /// Small numbers around 0, and now and then the ends of what an integer holds.
  std::int64_t integer() {
    if (one_in(20))
      return any({std::numeric_limits<std::int64_t>::min(), std::numeric_limits<std::int64_t>::max(),
                  std::int64_t{1} << 31, std::int64_t{1} << 62, std::int64_t{-1} << 40});
    return any<std::int64_t>({-7, -2, -1, 0, 0, 1, 1, 1, 2, 2, 3, 7});
  }
  double number() { return any({-1.0, 0.0, 0.5, 1.0, 2.0, 1e300, -1e300, double(NAN), double(INFINITY)}); }
  Size2 size() { return one_in(3) ? Size2(integer()) : Size2(integer(), integer()); }
  std::vector<std::int64_t> integers() {
    std::vector<std::int64_t> list(static_cast<std::size_t>(below(5)));
    for (auto& each : list) each = integer();
    return list;
  }
  bool flag() { return one_in(2); }

  Shape shape(std::int64_t rank) {
    std::vector<std::int64_t> dims(static_cast<std::size_t>(rank));
    for (auto& dim : dims) dim = any<std::int64_t>({0, 1, 1, 2, 2, 3, 3, 7});
    return Shape(dims);
  }
  Shape shape() { return shape(below(7)); }
  /// Often the shape itself; else one that broadcasts to it, one that differs in a place, or any.
  Shape like(const Shape& given) {
    std::vector<std::int64_t> dims(given.dims().begin(), given.dims().end());
    if (one_in(8) || dims.empty()) return one_in(2) ? given : shape();
    if (one_in(3))
      dims[static_cast<std::size_t>(below(static_cast<std::int64_t>(dims.size())))] = any({1l, 2l, 3l, 0l});
    if (one_in(4)) dims.erase(dims.begin());
    return Shape(dims);
  }

  Tensor tensor(const Shape& shape) {
    if (one_in(25)) return {};
    const auto dtype = one_in(6) ? any({DType::int64, DType::uint8, DType::float32}) : DType::float64;
    auto order = MemoryOrder::row_major;
    if ((shape.rank() == 4 || shape.rank() == 5) && flag()) order = MemoryOrder::channels_last;
    std::vector<double> values(static_cast<std::size_t>(shape.count()));
    for (double& value : values) value = one_in(30) ? number() : static_cast<double>(below(5)) - 1;
    return Tensor(in_order(Array::from(values, shape, dtype), order), is_floating(dtype) && !one_in(3));
  }
  Tensor tensor() { return tensor(shape()); }
  Tensor tensor_like(const Tensor& other) { return tensor(other.defined() ? like(other.shape()) : shape()); }
  Tensors tensors() {
    Tensors list;
    const Tensor first = tensor();
    for (auto n = below(4); n > 0; --n) list.push_back(one_in(4) ? first : tensor_like(first));
    return list;
  }
  DataFormat format() { return any({DataFormat::NCHW, DataFormat::NHWC}); }
  MemoryOrder order() { return any({MemoryOrder::row_major, MemoryOrder::channels_last}); }
  Groups groups() { return {integer(), integer(), integer()}; }
  /// Groups that divide a shape, more often than not.
  Groups groups_of(const Shape& shape) {
    if (one_in(3) || shape.rank() < 2) return groups();
    return any<Groups>({{1, shape[1], shape.count(2)},
                        {1, shape[0] * shape[1], shape.count(2)},
                        {shape[0], shape[1], 1},
                        {1, shape[1], 1},
                        {1, 1, 1},
                        {1, shape.count(1), 1}});
  }

 private:
  std::mt19937 engine_;
};

/// One op with arguments of a kind that it might take.
struct Call {
  std::string name;
  std::function<Tensor(Arguments&)> run;
};

/// Runs a call and its backward; true when it gave a result, false for an Error.
inline bool gives_a_result(const Call& call, Arguments& any) {
  try {
    const Tensor y = call.run(any);
    if (!y.defined()) return false;
    if (y.requires_grad()) y.backward(ones_like(y), {.create_graph = any.one_in(4)});
    return true;
  } catch (const Error& error) {
    EXPECT_STRNE(error.what(), "");
    return false;
  }
}

/// Makes each call many times, each time from a seed of its own.
inline void expect_results_or_errors(const std::vector<Call>& calls) {
  constexpr unsigned calls_each = 600;
  for (const auto& call : calls) {
    int results = 0, errors = 0;
    for (unsigned seed = 0; seed < calls_each; ++seed) {
      SCOPED_TRACE(call.name + ", seed " + std::to_string(seed));
      Arguments any(seed);
      try {
        ++(gives_a_result(call, any) ? results : errors);
      } catch (const std::exception& other) {
        ADD_FAILURE() << "an exception that is no Error: " << other.what();
      }
    }
    EXPECT_GE(results, 20) << call.name << ": hardly any arguments fit";
    EXPECT_GE(errors, 10) << call.name << ": hardly any arguments are refused";
  }
}

}  // namespace evenkeel::testing
