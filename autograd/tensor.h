#pragma once

#include <evenkeel/autograd/mode.h>
#include <evenkeel/autograd/node.h>
#include <evenkeel/core/array.h>

#include <initializer_list>
#include <iosfwd>
#include <memory>
#include <optional>
#include <type_traits>
#include <vector>

namespace evenkeel {

struct TensorOptions {
  bool requires_grad = false;
  std::optional<DType> dtype = {};
};
struct BackwardOptions {
  bool retain_graph = false;  ///< keep the graph for another backward
  bool create_graph =
      false;  ///< record the backward itself, for gradients of gradients; implies retain_graph
};

/// A value and its history: what users compute with. Copying a tensor copies a handle; a copy sees the same
/// value, the same gradient and the same hooks. An undefined tensor (`Tensor{}`) stands for "absent".
class Tensor {
 public:
  Tensor() = default;
  /// A leaf: the only door from values into a graph. Shares the array's storage. Throws ArgumentError where
  /// an integer array is to require a gradient.
  explicit Tensor(Array value, bool requires_grad = false);
  /// The values in row-major order. Their dtype is that of the C++ values (float is float32, double float64,
  /// bool and uint8_t uint8, other integers int64) unless it is given.
  template <SizedRange Range>
  static Tensor from(const Range& values, const Shape& shape, const TensorOptions& options = {}) {
    return Tensor(Array::from(values, shape, options.dtype), options.requires_grad);
  }
  template <class T>
  static Tensor from(std::initializer_list<T> values, const Shape& shape, const TensorOptions& options = {}) {
    return Tensor(Array::from(values, shape, options.dtype), options.requires_grad);
  }

  bool defined() const { return impl_ != nullptr; }
  /// The value in row-major order: for one stored channels-last a copy, made on first request and again after
  /// a write. Looking never changes what is computed; writing to a copy does not write the tensor (`copy_`
  /// does).
  const Array& value() const;
  /// The value as it is stored.
  const Array& stored() const {
    if (!impl_) [[unlikely]]
      is_undefined();
    return value_of_impl();
  }
  const Shape& shape() const { return stored().shape(); }
  DType dtype() const { return stored().dtype(); }
  std::int64_t size() const { return stored().size(); }

  /// All elements in row-major order, converted to T.
  template <class T = double>
  std::vector<T> to_vector() const;
  /// The only element. Throws ArgumentError unless there is exactly one.
  template <class T = double>
  T item() const;
  /// The element at an index of one number per axis; negative ones count from the end. Throws outside the
  /// shape.
  template <class T = double>
  T at(std::initializer_list<std::int64_t> index) const;

  Tensor reshape(const Shape& shape) const;  ///< see evenkeel::reshape
  Tensor reshape(std::initializer_list<std::int64_t> dims) const;
  Tensor to(DType dtype) const;  ///< see evenkeel::to
  /// The same value without history; shares the storage.
  Tensor detach() const;

  // In place: they write the storage that copies of the handle and detached tensors share, and bump its
  // version, so that a backward which needs the old value fails with a clear error. Under GradMode they are
  // recorded: a leaf that requires a gradient is refused (GraphError, as in PyTorch: use NoGrad), any other
  // history goes on through the op.
  /// x += other, broadcast to x's shape.
  const Tensor& add_(const Tensor& other) const;
  const Tensor& add_(double number) const;
  /// x = other, broadcast to x's shape and converted to its dtype.
  const Tensor& copy_(const Tensor& other) const;
  /// x = number; what x was is forgotten.
  const Tensor& fill_(double number) const;

  bool requires_grad() const { return impl_ && node() && node()->requires_grad; }
  /// For leaves only: whether gradients are wanted.
  void set_requires_grad(bool wanted) const;
  /// Whether the tensor was made by the user rather than by an op with history.
  bool is_leaf() const { return !node() || node()->is_leaf; }
  /// The accumulated gradient; undefined when absent.
  Tensor grad() const;
  bool has_grad() const { return grad().defined(); }
  /// Makes the gradient absent.
  void zero_grad() const;
  /// Keeps the gradient of a tensor that is no leaf.
  void retain_grad() const;
  /// `hook(grad)` sees the complete gradient of this tensor; a tensor that it returns replaces the gradient.
  /// Hooks of results go when the graph is freed, those of leaves stay.
  template <class F>
  HookHandle register_hook(F hook) const {
    check<GraphError>(requires_grad(), "register_hook: the tensor needs no gradient");
    return HookHandle(node()->hooks, std::move(hook));
  }
  /// Adds the gradients of <this, cotangent> to every leaf's grad() and to that of tensors with retain_grad.
  /// The cotangent may be left out (undefined) for a tensor of one element. An error leaves every grad() as
  /// it was.
  void backward(const Tensor& cotangent, BackwardOptions options = {}) const;
  void backward(BackwardOptions options = {}) const { backward(Tensor(), options); }

  /// The node that made the value, or the leaf's own; null without history.
  const NodePtr& node() const;

  /// Values in nested brackets, shortened to their edges when there are more than 1,000.
  friend std::ostream& operator<<(std::ostream& os, const Tensor& tensor);

 protected:
  std::shared_ptr<TensorImpl> impl_;

 private:
  friend struct TensorAccess;
  Tensor(Array value, NodePtr node);
  [[noreturn]] static void is_undefined();
  const Array& value_of_impl() const;
  std::size_t offset_of(std::initializer_list<std::int64_t> index) const;

  static const NodePtr no_node_;
};

struct TensorImpl {
  struct Copy {
    Array value;
    std::uint64_t version = 0;
  };

  TensorImpl(Array v, NodePtr n) : value(std::move(v)), node(std::move(n)), version(value.version()) {}

  Array value;
  NodePtr node;
  Tensor grad;
  std::uint64_t version;            ///< of the value that the history describes
  std::unique_ptr<Copy> row_major;  ///< of a channels-last value, once someone has asked
};
inline const Array& Tensor::value_of_impl() const { return impl_->value; }
inline constinit const NodePtr Tensor::no_node_;
inline const NodePtr& Tensor::node() const { return impl_ ? impl_->node : no_node_; }

/// A tensor without history, also inside a backward that is being recorded: the caller vouches that the value
/// does not depend on anything differentiable.
Tensor constant(Array value);

namespace detail {

/// An element as a number of C++; to integers as convert does, which no value makes undefined.
template <class T, class Stored>
T number_of(Stored value) {
  if constexpr (std::is_integral_v<T> && std::is_floating_point_v<Stored>)
    return static_cast<T>(convert<std::int64_t>(value));
  else
    return static_cast<T>(value);
}

}  // namespace detail

template <class T>
std::vector<T> Tensor::to_vector() const {
  return dispatch(dtype(), [&]<class Stored>() {
    std::vector<T> numbers;
    numbers.reserve(static_cast<std::size_t>(size()));
    for (const Stored each : value().template data<Stored>()) numbers.push_back(detail::number_of<T>(each));
    return numbers;
  });
}
template <class T>
T Tensor::item() const {
  check(size() == 1, "item: expected one element, got shape ", shape());
  return dispatch(
      dtype(), [&]<class Stored>() { return detail::number_of<T>(stored().template stored<Stored>()[0]); });
}
template <class T>
T Tensor::at(std::initializer_list<std::int64_t> index) const {
  const auto offset = offset_of(index);
  return dispatch(
      dtype(), [&]<class Stored>() { return detail::number_of<T>(value().template data<Stored>()[offset]); });
}

template <class... Args, class F>
HookHandle::HookHandle(std::shared_ptr<HookList<Tensor(Args...)>>& list, F hook) {
  if (!list) list = std::make_shared<HookList<Tensor(Args...)>>();
  list_ = list;
  id_ = list->next++;
  if constexpr (std::is_void_v<std::invoke_result_t<F&, Args...>>)
    list->hooks.emplace_back(id_, [hook](Args... args) mutable {
      hook(args...);
      return Tensor();
    });
  else
    list->hooks.emplace_back(id_, std::move(hook));
}

/// Calls the hooks in turn; each sees what the one before it made of the value.
template <class Signature, class Call>
Tensor run_hooks(const std::shared_ptr<HookList<Signature>>& list, Tensor value, Call call) {
  if (!list || list->hooks.empty()) return value;
  const auto hooks = list->hooks;  // a copy: a hook may remove itself
  for (const auto& [id, hook] : hooks)
    if (Tensor replacement = call(hook, value); replacement.defined()) value = std::move(replacement);
  return value;
}

}  // namespace evenkeel
