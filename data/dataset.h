#pragma once

#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/array.h>

#include <cstdint>
#include <span>
#include <string_view>

namespace evenkeel::data {

enum class Split { train, test };

/// Samples side by side: axis 0 counts them.
struct Examples {
  Array inputs, targets;
};

/// Numbered samples. A DataLoader keeps a copy, so datasets are cheap to copy: their arrays are shared.
class Dataset {
 public:
  virtual ~Dataset() = default;

  /// How many samples there are.
  virtual std::int64_t size() const = 0;
  /// The samples of the given indices, in that order, in arrays of their own. A loader calls this from its
  /// worker thread, and several loaders may do so at once. Throws ArgumentError for an index outside [0,
  /// size()).
  virtual Examples gather(std::span<const std::int64_t> indices) const = 0;

 protected:
  Dataset() = default;
  Dataset(const Dataset&) = default;
  Dataset& operator=(const Dataset&) = default;
};

/// Copies of the rows of `values`, [N, ...], at the given indices. Throws ArgumentError, starting with `who`,
/// for an index outside [0, N).
Array gather_rows(std::string_view who, const Array& values, std::span<const std::int64_t> indices);

/// What is in memory already: `TensorDataset({inputs, targets})`.
class TensorDataset final : public Dataset {
 public:
  struct Options {
    Tensor inputs = {};   ///< [N, ...]
    Tensor targets = {};  ///< [N, ...]
  };
  /// Shares the values. Throws ArgumentError unless both are given and have the same N.
  explicit TensorDataset(const Options& options);

  std::int64_t size() const override { return values_.inputs.shape()[0]; }
  Examples gather(std::span<const std::int64_t> indices) const override;

 private:
  Examples values_;
};

}  // namespace evenkeel::data
