#include <evenkeel/data/dataset.h>

#include <algorithm>

namespace evenkeel::data {

Array gather_rows(std::string_view who, const Array& values, std::span<const std::int64_t> indices) {
  const auto rows = values.shape()[0];
  Array out =
      Array::uninitialized(values.shape().with(0, static_cast<std::int64_t>(indices.size())), values.dtype());
  const auto row_bytes = static_cast<std::size_t>(values.shape().count(1)) * size_of(values.dtype());
  const auto from = row_major(values);
  auto to = out.mutable_bytes().begin();
  for (const auto index : indices) {
    check(index >= 0 && index < rows, who, ": index ", index, " is outside [0, ", rows, ")");
    to = std::ranges::copy(from.bytes().subspan(static_cast<std::size_t>(index) * row_bytes, row_bytes), to)
             .out;
  }
  return out;
}

TensorDataset::TensorDataset(const Options& options) {
  check(options.inputs.defined() && options.targets.defined(),
        "TensorDataset: expected inputs and targets, got no ",
        options.inputs.defined() ? "targets" : "inputs");
  values_ = {options.inputs.value(), options.targets.value()};
  const auto &inputs = values_.inputs.shape(), &targets = values_.targets.shape();
  check(inputs.rank() > 0 && targets.rank() > 0 && inputs[0] == targets[0], "TensorDataset: inputs ", inputs,
        " and targets ", targets, " do not agree; expected [N, ...] with the same N");
}

Examples TensorDataset::gather(std::span<const std::int64_t> indices) const {
  return {gather_rows("TensorDataset", values_.inputs, indices),
          gather_rows("TensorDataset", values_.targets, indices)};
}

}  // namespace evenkeel::data
