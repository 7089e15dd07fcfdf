#include <evenkeel/autograd/access.h>
#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/backward.h>
#include <evenkeel/autograd/ops/arithmetic.h>
#include <evenkeel/autograd/record.h>
#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>

#include <algorithm>
#include <queue>
#include <vector>

namespace evenkeel {
namespace {

void check_gradient(std::string_view source, const Tensor& grad, const Shape& shape, DType dtype) {
  check(grad.shape() == shape && grad.dtype() == dtype, source, ": expected a gradient of ", dtype, ' ',
        shape, ", got ", grad.dtype(), ' ', grad.shape());
}

/// a + b; into a's own memory where nobody else can see it.
Tensor sum_of(Tensor a, const Tensor& b) {
  if (a.requires_grad() || b.requires_grad() || !TensorAccess::is_exclusive(a)) return a + b;
  kernels::add_in_place(TensorAccess::impl(a)->value, b.stored());
  return a;
}

struct Delivered {
  Tensor gradient;
  NodePtr node;
};

/// One pass over the nodes behind a root: newest first, each once, in a loop; leaves, which many nodes may
/// share, come last. The plan is this object's own; nothing is written on nodes, since threads may share
/// leaves.
class Sweep {
 public:
  template <class Wanted>
  Sweep(const NodePtr& root, Wanted wanted) {
    collect(root);
    for (auto i = steps_.size(); i-- > 0;) {  // oldest first: what lies on a path to a wanted node
      const Node& node = *steps_[i].node;
      if (node.is_freed()) node.check_usable();  // what lies behind it is not known any more
      steps_[i].wanted = node.requires_grad && wanted(node);
      steps_[i].differentiate =
          std::ranges::any_of(node.edges, [&](const auto& edge) { return is_useful(edge, i); });
      steps_[i].useful =
          steps_[i].wanted || steps_[i].differentiate || (node.hooks && !node.hooks->hooks.empty());
    }
    for (const auto& step : steps_)
      if (step.differentiate) step.node->check_usable();
  }

  /// The gradients at the wanted nodes. Saved values are freed as it goes, also when a hook or a backward
  /// throws.
  std::vector<Delivered> run(const Tensor& cotangent, BackwardOptions options) {
    const GradMode mode(options.create_graph);
    const bool keep = options.retain_graph || options.create_graph;
    const ReleaseAll release{keep ? nullptr : &steps_};
    std::vector<Delivered> delivered;
    steps_[0].grad = cotangent;
    for (std::size_t i = 0; i < steps_.size(); ++i) {
      if (!steps_[i].useful || !steps_[i].grad.defined()) continue;
      const NodePtr& node = steps_[i].node;
      Tensor grad = call_hooks(*node, std::move(steps_[i].grad));
      if (steps_[i].wanted) delivered.push_back({grad, node});
      if (steps_[i].differentiate) differentiate(node, i, std::move(grad));
      if (!keep && steps_[i].differentiate) node->release();
    }
    return delivered;
  }

 private:
  struct Step {
    NodePtr node;
    std::uint64_t order = 0;
    Tensor grad = {};
    bool wanted = false, differentiate = false, useful = false;
  };
  struct ReleaseAll {
    ~ReleaseAll() {
      if (steps == nullptr) return;
      for (auto& step : *steps)
        if (step.differentiate) step.node->release();
    }
    std::vector<Step>* steps;
  };

  void collect(const NodePtr& root) {
    const auto older = [](const NodePtr* a, const NodePtr* b) { return (*a)->order < (*b)->order; };
    const auto same = [](const NodePtr* a, const NodePtr* b) { return *a == *b; };
    const auto add = [this](const NodePtr* node) {
      steps_.push_back({.node = *node, .order = (*node)->order});
    };
    std::priority_queue<const NodePtr*, std::vector<const NodePtr*>, decltype(older)> heap(older);
    std::vector<const NodePtr*> leaves;
    const auto meet = [&](const NodePtr& node) {
      if (!node->is_leaf)
        heap.push(&node);
      else if (leaves.empty() || *leaves.back() != node)
        leaves.push_back(&node);
    };
    for (meet(root); !heap.empty();) {
      const NodePtr* const node = heap.top();
      heap.pop();
      if (!steps_.empty() && steps_.back().node == *node) continue;
      add(node);
      for (const auto& edge : (*node)->edges)
        if (edge.node) meet(edge.node);
    }
    first_leaf_ = steps_.size();
    std::ranges::sort(leaves, [&](const NodePtr* a, const NodePtr* b) { return older(b, a); });
    std::for_each(leaves.begin(), std::unique(leaves.begin(), leaves.end(), same), add);
  }
  /// Orders fall from step to step, and among the leaves. A leaf is found by halves; another node, which most
  /// often comes soon, by growing strides before.
  std::size_t find(const Node& node, std::size_t from) const {
    std::size_t first = first_leaf_, last = steps_.size();
    if (!node.is_leaf) {
      std::size_t stride = 1;
      while (from + stride < first_leaf_ && steps_[from + stride].order > node.order) stride *= 2;
      first = from + stride / 2;
      last = std::min(from + stride + 1, first_leaf_);
    }
    const auto begin = steps_.begin() + static_cast<std::ptrdiff_t>(first);
    const auto end = steps_.begin() + static_cast<std::ptrdiff_t>(last);
    const auto found = std::ranges::lower_bound(begin, end, node.order, std::greater<>(), &Step::order);
    return static_cast<std::size_t>(found - steps_.begin());
  }
  bool is_useful(const Node::Edge& edge, std::size_t from) const {
    return edge.node && edge.node->requires_grad && steps_[find(*edge.node, from)].useful;
  }
  static Tensor call_hooks(const Node& node, Tensor grad) {
    return run_hooks(node.hooks, std::move(grad), [&](const auto& hook, const Tensor& value) {
      const Tensor replacement = hook(value);
      if (replacement.defined()) check_gradient("hook", replacement, value.shape(), value.dtype());
      return replacement;
    });
  }
  void differentiate(const NodePtr& node, std::size_t at, Tensor&& grad) {
    node->check_usable();  // again: a hook may have run another backward
    const auto& edges = node->edges;
    const Needs needs(edges.size(), [&](std::size_t i) { return is_useful(edges[i], at); });
    Gradients grads = call_backward(node, std::move(grad), needs);
    check(grads.size() == edges.size(), node->op, ": ", edges.size(), " inputs, but gradients for ",
          grads.size());
    for (std::size_t i = 0; i < edges.size(); ++i) {
      if (!needs(i) || !grads[i].defined()) continue;
      check_gradient(node->op, grads[i], edges[i].shape, edges[i].dtype);
      if (DetectAnomaly::is_on()) [[unlikely]]
        detail::check_gradient_is_finite(*node, i, grads[i].stored());
      Tensor& total = steps_[find(*edges[i].node, at)].grad;
      total = total.defined() ? sum_of(std::move(total), grads[i]) : std::move(grads[i]);
    }
  }
  static Gradients call_backward(const NodePtr& node, Tensor&& grad, const Needs& needs) {
    const struct Scope {
      ~Scope() { recorded_backward = outer; }
      std::string_view outer;
    } scope{recorded_backward};
    recorded_backward = GradMode::on ? node->op : "";
    const detail::OutputChecks off(false);
    return node->backward->call(std::move(grad), Saved(node), needs);
  }

  std::vector<Step> steps_;
  std::size_t first_leaf_ = 0;
};

/// The gradients of <root, cotangent> at the wanted nodes.
template <class Wanted>
std::vector<Delivered> sweep(const Tensor& root, Tensor cotangent, Wanted wanted, BackwardOptions options) {
  check<GraphError>(root.requires_grad(),
                    "backward: the tensor has no history; was it computed under NoGrad?");
  if (!cotangent.defined()) {
    check(root.size() == 1, "backward: expected a scalar, got shape ", root.shape(), "; pass a cotangent");
    cotangent = constant(kernels::full(root.shape(), root.dtype(), 1));
  }
  check_gradient("backward", cotangent, root.shape(), root.dtype());
  return Sweep(root.node(), wanted).run(cotangent, options);
}

/// Adds to every grad(), all of them or none. A gradient that nobody else sees is kept as it is, others are
/// copied, but for those that have a history to keep.
void keep_gradients(std::vector<Delivered> delivered, bool with_history) {
  std::vector<std::pair<std::shared_ptr<TensorImpl>, Tensor>> sums;
  for (auto& [gradient, node] : delivered)
    if (auto owner = node->owner.lock()) {
      if (owner->grad.defined())
        gradient = owner->grad + gradient;
      else if (!(with_history && gradient.requires_grad()) && !TensorAccess::is_exclusive(gradient))
        gradient = constant(gradient.stored().clone());
      sums.emplace_back(std::move(owner), std::move(gradient));
    }
  for (auto& [owner, sum] : sums) owner->grad = std::move(sum);
}

}  // namespace

void Tensor::backward(const Tensor& cotangent, BackwardOptions options) const {
  auto delivered = sweep(
      *this, cotangent, [](const Node& node) { return !node.owner.expired(); }, options);
  const GradMode mode(options.create_graph);
  keep_gradients(std::move(delivered), options.create_graph);
}

Tensors gradients(const Tensor& output, const Tensors& inputs, const GradientOptions& options) {
  for (std::size_t i = 0; i < inputs.size(); ++i)
    check<GraphError>(inputs[i].requires_grad(), "gradients: input ", i, " requires no gradient");
  Tensors grads(inputs.size());
  const auto asked_for = [&](const Node& node) {
    return std::ranges::any_of(inputs, [&](const Tensor& input) { return input.node().get() == &node; });
  };
  const auto delivered =
      sweep(output, options.cotangent, asked_for, {options.retain_graph, options.create_graph});
  for (const auto& [gradient, node] : delivered)
    for (std::size_t i = 0; i < inputs.size(); ++i)
      if (inputs[i].node() == node) grads[i] = gradient;
  return grads;
}

}  // namespace evenkeel
