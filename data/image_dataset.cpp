#include <evenkeel/data/image_dataset.h>

#include <algorithm>
#include <numeric>
#include <vector>

namespace evenkeel::data {
namespace {

Array first_rows(std::string_view who, const Array& values, std::int64_t count) {
  if (count == values.shape()[0]) return values;
  std::vector<std::int64_t> indices(static_cast<std::size_t>(count));
  std::iota(indices.begin(), indices.end(), 0);
  return gather_rows(who, values, indices);
}

}  // namespace

ImageDataset::ImageDataset(std::string_view who, const Array& images, const Array& labels,
                           std::optional<std::int64_t> limit) {
  const auto all = images.shape()[0], kept = std::min(all, limit.value_or(all));
  check(kept >= 0, who, ": limit is ", kept, ", expected at least 0");
  images_ = first_rows(who, images, kept);
  labels_ = Array::from(first_rows(who, labels, kept).data<std::uint8_t>(), Shape{kept}, DType::int64);
}

Examples ImageDataset::gather(std::span<const std::int64_t> indices) const {
  const Array bytes = gather_rows("ImageDataset", images_, indices);
  Array inputs = Array::uninitialized(bytes.shape(), DType::float32);
  std::ranges::transform(bytes.data<std::uint8_t>(), inputs.mutable_data<float>().begin(),
                         [](std::uint8_t byte) { return static_cast<float>(byte) / 255.0f; });
  return {inputs, gather_rows("ImageDataset", labels_, indices)};
}

}  // namespace evenkeel::data
