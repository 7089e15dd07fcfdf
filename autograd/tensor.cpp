#include <evenkeel/autograd/access.h>
#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/check.h>

#include <mutex>

namespace evenkeel {

Tensor::Tensor(Array value, NodePtr node)
    : impl_(std::make_shared<TensorImpl>(std::move(value), std::move(node))) {}

Tensor::Tensor(Array value, bool requires_grad) {
  check<GraphError>(recorded_backward.empty(), recorded_backward,
                    ": gradients of gradients are not supported ",
                    "(its backward computes outside the graph)");
  check(value.defined(), "Tensor: expected an array with values, got an undefined one");
  *this = Tensor(std::move(value), NodePtr());
  if (requires_grad) set_requires_grad(true);
}

Tensor constant(Array value) { return TensorAccess::make(std::move(value), nullptr); }

void Tensor::is_undefined() { fail("Tensor: undefined, it has no value"); }

const Array& Tensor::value() const {
  const Array& own = stored();
  if (own.order() == MemoryOrder::row_major) return own;
  static std::mutex copying;  // threads may read one tensor together
  const std::lock_guard lock(copying);
  auto& copy = impl_->row_major;
  if (!copy || copy->version != own.version())
    copy = std::make_unique<TensorImpl::Copy>(TensorImpl::Copy{evenkeel::row_major(own), own.version()});
  return copy->value;
}

std::size_t Tensor::offset_of(std::initializer_list<std::int64_t> index) const {
  const auto dims = shape().dims();
  check(index.size() == dims.size(), "at: ", index.size(), " indices for shape ", shape(),
        ", expected one per axis");
  std::int64_t offset = 0;
  for (std::size_t axis = 0; axis < dims.size(); ++axis) {
    const auto i = index.begin()[axis];
    check(i >= -dims[axis] && i < dims[axis], "at: index ", i, " is outside axis ", axis, " of shape ",
          shape());
    offset = offset * dims[axis] + (i < 0 ? i + dims[axis] : i);
  }
  return static_cast<std::size_t>(offset);
}

Tensor Tensor::detach() const { return constant(stored()); }

void Tensor::set_requires_grad(bool wanted) const {
  check(defined(), "set_requires_grad: the tensor is undefined");
  check<GraphError>(is_leaf(), "set_requires_grad: expected a leaf, got a result of ",
                    is_leaf() ? "" : node()->op, "; use detach()");
  check(!wanted || is_floating(dtype()),
        "requires_grad: only float32 and float64 tensors can require gradients, got ", dtype(), ' ', shape());
  if (wanted && !impl_->node) {
    impl_->node = std::make_shared<Node>("leaf", true);
    impl_->node->owner = impl_;
  }
  if (impl_->node) impl_->node->requires_grad = wanted;
}

Tensor Tensor::grad() const { return impl_ ? impl_->grad : Tensor(); }

void Tensor::zero_grad() const {
  if (impl_) impl_->grad = Tensor();
}

void Tensor::retain_grad() const {
  check<GraphError>(requires_grad(), "retain_grad: the tensor needs no gradient");
  node()->owner = impl_;
}

}  // namespace evenkeel
