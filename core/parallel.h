#pragma once
/// Parallel loops whose results never depend on the number of threads.

#include <cstdint>
#include <type_traits>

namespace evenkeel {

template <class Signature>
class FunctionRef;
/// Calls a function that lives elsewhere; as light as a pointer.
template <class Result, class... Args>
class FunctionRef<Result(Args...)> {
 public:
  template <class F>
  requires(std::is_invocable_r_v<Result, const F&, Args...> &&
           !std::is_same_v<std::remove_cvref_t<F>, FunctionRef>) explicit(false) FunctionRef(const F& f)
      : object_(&f), call_([](const void* object, Args... args) -> Result {
          return (*static_cast<const F*>(object))(args...);
        }) {}
  Result operator()(Args... args) const { return call_(object_, args...); }

 private:
  const void* object_;
  Result (*call_)(const void*, Args...);
};

/// So many cheap element operations are worth a task of their own.
inline constexpr std::int64_t elements_per_task = 8192;
constexpr std::int64_t ceil_div(std::int64_t a, std::int64_t b) { return (a + b - 1) / b; }
constexpr std::int64_t at_least_one(std::int64_t n) { return n > 1 ? n : 1; }

/// Calls body(begin, end) for pieces that cover [0, n). The pieces follow from n and grain alone, never from
/// the number of threads: piece i is [i * grain, (i + 1) * grain). The first exception of a body reaches the
/// caller.
void parallel_for(std::int64_t n, std::int64_t grain, FunctionRef<void(std::int64_t, std::int64_t)> body);

/// How many threads the kernels use; 0 asks for all cores of the machine (the default). A setting of this
/// library alone: the host program's OpenMP settings stay. Throws ArgumentError for a negative number.
void set_num_threads(int threads);
int num_threads();

}  // namespace evenkeel
