#pragma once

#include <evenkeel/autograd/parameter.h>
#include <evenkeel/core/array.h>
#include <evenkeel/core/random.h>

#include <concepts>
#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

namespace evenkeel {

/// Makes the first value of a parameter from
/// - a name, as mindspore.common.initializer has them (case is ignored): zero(s), one(s), normal, uniform,
///   truncatednormal, xavier_uniform, xavier_normal, he_uniform, he_normal (these four also without the
///   underscore), identity, dirac, orthogonal, variancescaling, with MindSpore's defaults;
/// - a number, for every element;
/// - an Array of the parameter's shape, of which the parameter gets a copy;
/// - a callable (shape, rng) -> Array, such as init::normal(0, 0.02).
/// Throws ArgumentError for an unknown name, and when called where the shape does not fit.
class Initializer {
 public:
  explicit(false) Initializer(const std::string& name);
  explicit(false) Initializer(const char* name) : Initializer(std::string(name)) {}
  Initializer(std::nullptr_t) = delete;
  explicit(false) Initializer(const Array& values);
  template <class Number>
  requires std::is_arithmetic_v<Number>
  explicit(false) Initializer(Number number) : Initializer(Constant{static_cast<double>(number)}) {}
  template <class F>
  requires std::is_invocable_r_v<Array, const F&, const Shape&, Rng&>
  explicit(false) Initializer(F make) : make_(std::move(make)) {}

  /// A new array. Random numbers are drawn in double and rounded once, so both dtypes get the same ones.
  Array operator()(const Shape& shape, DType dtype, Rng& rng = default_rng()) const;

 private:
  struct Constant {
    double value;
  };
  explicit Initializer(Constant constant);

  std::function<Array(const Shape& shape, Rng& rng)> make_;
};

/// Where gradients flow backwards through a parameter of shape [out, in, receptive field...]: the fan-in is
/// in * field, the fan-out is out * field. Whatever needs a fan refuses fewer than 2 dimensions.
enum class Fan : std::uint8_t { in, out, average };
enum class Nonlinearity : std::uint8_t { linear, sigmoid, tanh, relu, leaky_relu, selu };

namespace init {

Initializer zeros();
Initializer ones();
Initializer constant(double value);
/// N(mean, std^2).
Initializer normal(double mean, double std);
/// U(low, high).
Initializer uniform(double low, double high);
/// N(mean, std^2) cut off at [low, high]. The bounds are values, not multiples of std, as in PyTorch
/// (trunc_normal_) and in MindSpore as it runs.
Initializer truncated_normal(double mean, double std, double low = -2, double high = 2);

/// U(-b, b) with b = gain sqrt(6 / (fan_in + fan_out)) (Glorot and Bengio 2010).
Initializer xavier_uniform(double gain = 1);
/// N(0, s^2) with s = gain sqrt(2 / (fan_in + fan_out)).
Initializer xavier_normal(double gain = 1);

/// The factor by which a nonlinearity shrinks the standard deviation: 1, for tanh 5/3, relu sqrt(2),
/// leaky_relu sqrt(2 / (1 + slope^2)), selu 3/4.
double gain(Nonlinearity nonlinearity, double negative_slope = 0);
struct HeOptions {
  double negative_slope = 0;  ///< of leaky_relu; PyTorch's `a`
  Fan mode = Fan::in;         ///< in or out
  Nonlinearity nonlinearity = Nonlinearity::leaky_relu;
};
/// U(-b, b) with b = gain sqrt(3 / fan) (He et al. 2015).
Initializer he_uniform(const HeOptions& options = {});
/// N(0, s^2) with s = gain / sqrt(fan).
Initializer he_normal(const HeOptions& options = {});
/// He's under the name that PyTorch gives them.
inline Initializer kaiming_uniform(const HeOptions& options = {}) { return he_uniform(options); }
inline Initializer kaiming_normal(const HeOptions& options = {}) { return he_normal(options); }

/// What PyTorch's Linear and Conv2d start with: kaiming_uniform with a = sqrt(5), that is U(-b, b) with b = 1
/// / sqrt(fan_in).
Initializer torch_weight();
/// Their bias: the same bound, for a weight of this shape; zeros where the fan-in is 0.
Initializer torch_bias(const Shape& weight);

enum class Distribution : std::uint8_t { uniform, normal };
struct VarianceScalingOptions {
  double scale = 1;
  Fan mode = Fan::in;
  Distribution distribution = Distribution::uniform;
};
/// Variance scale / max(1, fan). MindSpore's default, "truncated_normal", in truth draws uniform numbers, and
/// so does the name "variancescaling".
Initializer variance_scaling(const VarianceScalingOptions& options = {});

/// Ones on the diagonal of a matrix.
Initializer identity();
/// Convolution weights [out, in / groups, ...] of rank 3 to 5 that copy channels: a one at the centre.
Initializer dirac(std::int64_t groups = 1);
/// A matrix (the axes after the first are one) with orthonormal rows or columns, whichever are fewer, times
/// gain (Saxe et al. 2013).
Initializer orthogonal(double gain = 1);
/// A matrix of N(0, std^2) with ceil(sparsity * rows) zeros in each column (Martens 2010).
Initializer sparse(double sparsity, double std = 0.01);

}  // namespace init

/// A parameter that options may switch off.
std::optional<Parameter> parameter_if(bool present, const Initializer& make, const Shape& shape, DType dtype,
                                      Rng& rng);
/// Writes it anew, if it is there.
void reinitialize(const std::optional<Parameter>& parameter, const Initializer& make, Rng& rng);
/// The parameter as an op's input; undefined when absent.
inline Tensor tensor_of(const std::optional<Parameter>& parameter) {
  return parameter ? Tensor(*parameter) : Tensor();
}

}  // namespace evenkeel
