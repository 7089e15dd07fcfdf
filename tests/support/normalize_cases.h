#pragma once
/// Normalizations of all kinds over many shapes, and what they are by definition, element by element.

#include <evenkeel/core/kernels/normalize.h>

#include <string>
#include <vector>

namespace evenkeel::testing {

struct NormalizeCase {
  std::string name;
  Shape shape;
  Normalization how;
  bool by_sample = false;  ///< whether samples have groups of their own
};

NormalizeCase norm_case(const std::string& kind, const Shape& shape, MemoryOrder order,
                        std::int64_t groups = 0);
/// Layer norm over all axes from `axis` on; its parameters begin at `parameter_axis`.
NormalizeCase layer_case(const Shape& shape, std::size_t axis, std::size_t parameter_axis);

/// Batch, instance, group and layer norm of images in both orders, of (N, C), and partitions of no common
/// kind.
std::vector<NormalizeCase> norm_cases();
/// Groups so large that the threads share them piece by piece.
std::vector<NormalizeCase> large_cases();
std::vector<NormalizeCase> all_cases();
/// Images so many that their results are written past the caches, with strips that begin anywhere in a line.
std::vector<NormalizeCase> huge_cases();

Array random_values(const Shape& shape, DType dtype, MemoryOrder order, unsigned seed, double mean = 0,
                    double std = 1);

/// What a normalization is, in long double.
struct NormalizeReference {
  std::vector<long double> mean, var, y, dx, dgamma, dbeta;
};
/// T is float or double, as are the arrays.
template <class T>
NormalizeReference reference(const Array& x_array, const Array& grad, const Array& gamma, const Array& beta,
                             const Normalization& how, const Moments* given = nullptr);

/// The largest error, relative to the largest value.
template <class T>
double error_of(const Array& got, const std::vector<long double>& expected);

}  // namespace evenkeel::testing
