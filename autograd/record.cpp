#include <evenkeel/autograd/access.h>
#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>

#include <algorithm>

namespace evenkeel {
namespace {

/// A history describes the value that its op made, and later values only if this tensor's own in-place ops
/// made them.
void check_history_describes_value(std::string_view op, const Tensor& input) {
  const auto& impl = *TensorAccess::impl(input);
  check<GraphError>(impl.node->is_leaf || impl.version == impl.value.version(), op, ": an input of shape ",
                    impl.value.shape(), ", the result of ", impl.node->op,
                    ", was modified in place through another tensor that shares its memory (version ",
                    impl.value.version(), ", made at ", impl.version, "); use clone()");
}

}  // namespace

Tensor record(Record&& r) {
  if (DetectAnomaly::is_on() && detail::OutputChecks::on) [[unlikely]]
    detail::check_output_is_finite(r.op, r.output);
  const bool wanted = GradMode::on && std::ranges::any_of(r.inputs, [](const auto& input) {
                        return input.tensor->requires_grad();
                      });
  if (!wanted) return constant(std::move(r.output));
  auto node = std::make_shared<Node>(r.op, false);
  if (detail::module_path) [[unlikely]]
    node->module_path = *detail::module_path;
  for (const auto& [input] : r.inputs) {
    auto& edge = node->edges.grow();
    if (!input->defined()) continue;
    edge.shape = input->shape();
    edge.dtype = input->dtype();
    if (!input->requires_grad()) continue;
    check_history_describes_value(r.op, *input);
    edge.node = input->node();
  }
  const auto save = [&](const Array& value, const NodePtr& history) {
    auto& kept = node->saved.grow();
    kept.value = value;
    kept.version = value.version();
    kept.history = history;
  };
  for (const auto& [tensor] : r.saved)
    if (tensor->defined())
      save(tensor->stored(), tensor->node());
    else
      save({}, nullptr);
  if (r.save_output) save(r.output, nullptr);
  node->backward = std::move(r.backward);
  return TensorAccess::make(std::move(r.output), std::move(node));
}

Tensor Saved::operator[](std::size_t i) const {
  const auto& [value, version, history] = node_->saved[i];
  return value.defined() ? TensorAccess::make(value, history) : Tensor();
}

Tensor Saved::output() const {
  return TensorAccess::make(node_->saved.back().value, GradMode::on ? node_ : nullptr);
}

}  // namespace evenkeel
