#pragma once
/// Ops that move elements and change none. They take every dtype.

#include <evenkeel/autograd/tensor.h>

#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <limits>
#include <optional>
#include <string_view>
#include <vector>

namespace evenkeel {

/// The same elements in row-major order under another shape. Shares the storage of a row-major tensor.
Tensor reshape(const Tensor& x, const Shape& shape);
/// The same; one dimension may be -1 and follows from the others.
Tensor reshape(const Tensor& x, std::initializer_list<std::int64_t> dims);
/// Merges the axes [start, end] into one. flatten(x) keeps the first axis, the batch: [N, ...] becomes [N,
/// rest].
Tensor flatten(const Tensor& x, std::int64_t start = 1, std::int64_t end = -1);
/// Axis i of the result is axis axes[i] of x. Throws unless every axis is named once.
Tensor permute(const Tensor& x, const std::vector<std::int64_t>& axes);
/// Swaps two axes.
Tensor transpose(const Tensor& x, std::int64_t a, std::int64_t b);
/// Without the axes of size 1: all of them, or the one named if it is of size 1.
Tensor squeeze(const Tensor& x, std::optional<std::int64_t> axis = {});
/// With a new axis of size 1 before `axis`; -1 puts it last.
Tensor unsqueeze(const Tensor& x, std::int64_t axis);
/// Tensors joined along an axis; their other axes agree.
Tensor concat(const Tensors& parts, std::int64_t axis = 0);
/// Tensors of one shape joined along a new axis.
Tensor stack(const Tensors& parts, std::int64_t axis = 0);

struct SliceOptions {
  std::int64_t axis = 0;
  std::int64_t begin = 0;                                       ///< negative ones count from the end
  std::int64_t end = std::numeric_limits<std::int64_t>::max();  ///< likewise; held inside the axis
};
/// The elements [begin, end) along one axis, as x[begin:end] in PyTorch: bounds outside the axis are held
/// inside it.
Tensor slice(const Tensor& x, const SliceOptions& options);
/// x among zeros, at `begin` along the axis of a larger shape: the adjoint of slice.
Tensor place(const Tensor& x, const Shape& shape, std::size_t axis, std::int64_t begin);

/// y[i] = x[index[i]], offsets into x as it is stored in the order of `index`. `op` names the op that is
/// built on it.
Tensor gather(std::string_view op, const Tensor& x, const Tensor& index);
/// y[index[i]] += x[i] among zeros: the adjoint of gather.
Tensor scatter(const Tensor& x, const Tensor& index, const Shape& shape);

/// The same values stored in the given order.
Tensor reorder(const Tensor& x, MemoryOrder order);

enum class DataFormat : std::uint8_t { NCHW, NHWC };
std::ostream& operator<<(std::ostream& os, DataFormat format);
/// [N, C, ...] of [N, ..., C], and back: the bytes of a row-major [N, ..., C] are those of a channels-last
/// [N, C, ...], so both ways are a change of label. For rank 4 and 5.
Tensor nchw_of_nhwc(const Tensor& x);
Tensor nhwc_of_nchw(const Tensor& x);
/// Runs f on NCHW, whatever the format of x, and gives the result in x's format. Ranks other than 4 and 5
/// pass as they are: they have no two formats, or get a clear error from f.
template <class F>
Tensor in_nchw(DataFormat format, const Tensor& x, F f) {
  if (format == DataFormat::NCHW || (x.shape().rank() != 4 && x.shape().rank() != 5)) return f(x);
  return nhwc_of_nchw(f(nchw_of_nhwc(x)));
}

}  // namespace evenkeel
