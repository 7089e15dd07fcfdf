#pragma once
/// Batch, instance, group and layer normalization as one family: what holds for all of them is tested for
/// each, in training by the batch's own statistics.

#include <evenkeel/layers/any_layer.h>
#include <evenkeel/layers/options.h>
#include <evenkeel/tests/support/normalize_cases.h>

#include <functional>
#include <string>
#include <vector>

namespace evenkeel::testing {

struct NormSettings {
  double eps = 1e-5;
  DType dtype = DType::float32;
  DataFormat data_format = DataFormat::NCHW;  ///< which LayerNorm does not have
};

struct Norm {
  std::string name;  ///< the class, without the rank
  /// The layer for [N, C, ...] of this shape, with weight and bias; group norm makes two groups. Layer norm
  /// is over all axes but the first.
  std::function<AnyLayer(const Shape& shape, const NormSettings& settings)> make;
  /// Which elements share statistics and parameters, where the values are row-major.
  std::function<Normalization(const Shape& shape)> definition;
};

const std::vector<Norm>& norms();

/// Gives parameters random values: a weight about 1, a bias about 0.
void randomize(const Module& layer, unsigned seed = 11);

/// Whether both states have the same names, shapes and bits.
bool same_state(const State& a, const State& b);

/// A value of a state, copied. Throws where there is none of this name.
Array value_of(const Module& layer, const std::string& name);

}  // namespace evenkeel::testing
