#include <evenkeel/autograd/access.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/ops/reduce.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>

namespace evenkeel {
namespace {

void check_writable(std::string_view op, const Tensor& x) {
  check<GraphError>(!GradMode::on || !x.requires_grad() || !x.is_leaf(), op, ": a leaf of shape ", x.shape(),
                    " that requires a gradient cannot be modified in place; write it under NoGrad");
}

/// `other` repeated to x's shape and order.
Array fitted(std::string_view op, const Tensor& x, const Array& other) {
  check(kernels::broadcast_shape(op, x.stored(), other) == x.shape(), op, ": ", other.dtype(), ' ',
        other.shape(), " does not fit into ", x.dtype(), ' ', x.shape());
  return kernels::expand(other, x.shape(), x.stored().order());
}

/// The value was written: from here on it is what `history` says, if that is recorded, else what it was
/// before.
void continue_history(TensorImpl& impl, Record&& history) {
  impl.version = impl.value.version();
  const NodePtr node = record(std::move(history)).node();
  if (!node) return;
  if (impl.node)
    std::swap(node->owner, impl.node->owner);  // who kept the gradient keeps that of the new value
  impl.node = node;
}

}  // namespace

const Tensor& Tensor::add_(const Tensor& other) const {
  check_writable("add_", *this);
  kernels::check_same_dtype("add_", stored(), other.stored());
  kernels::add_in_place(impl_->value, fitted("add_", *this, other.stored()));
  continue_history(
      *impl_, {
                  .op = "add_",
                  .inputs = {*this, other},
                  .output = impl_->value,
                  .backward = [](const Tensor& grad, const Saved& saved, const Needs& needs) -> Gradients {
                    return {grad, needs(1) ? sum_to(grad, saved.shape(1)) : Tensor()};
                  },
              });
  return *this;
}

const Tensor& Tensor::add_(double number) const {
  check_writable("add_", *this);
  impl_->value.assign((constant(stored()) + number).stored());
  impl_->version = impl_->value.version();  // a constant changes no derivative
  return *this;
}

const Tensor& Tensor::copy_(const Tensor& other) const {
  check_writable("copy_", *this);
  impl_->value.assign(kernels::cast(fitted("copy_", *this, other.stored()), dtype()));
  if (GradMode::on && impl_->node) impl_->node.reset();
  continue_history(*impl_,
                   {
                       .op = "copy_",
                       .inputs = {other},
                       .output = impl_->value,
                       .backward = [](const Tensor& grad, const Saved& saved, const Needs&) -> Gradients {
                         return {sum_to(evenkeel::to(grad, saved.dtype(0)), saved.shape(0))};
                       },
                   });
  return *this;
}

const Tensor& Tensor::fill_(double number) const {
  check_writable("fill_", *this);
  impl_->value.assign(kernels::full(shape(), dtype(), number, stored().order()));
  impl_->version = impl_->value.version();
  if (GradMode::on) impl_->node.reset();
  return *this;
}

}  // namespace evenkeel
