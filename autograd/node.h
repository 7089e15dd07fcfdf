#pragma once
/// The graph is plain data: a node says how the gradient of its output becomes gradients of its inputs. Nodes
/// are owned by the outputs, so computations that nobody needs free themselves.

#include <evenkeel/autograd/hooks.h>
#include <evenkeel/core/array.h>
#include <evenkeel/core/small.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace evenkeel {

class Saved;
struct Node;
struct TensorImpl;
using NodePtr = std::shared_ptr<Node>;
using Tensors = std::vector<Tensor>;
/// The gradients of an op's inputs, in their order; undefined where not needed or zero.
using Gradients = Small<Tensor, 3>;
using GradientHooks = HookList<Tensor(const Tensor& grad)>;

/// needs(i): does input i want a gradient?
class Needs {
 public:
  template <class Wanted>
  Needs(std::size_t inputs, Wanted wanted) {
    for (std::size_t i = 0; i < inputs; ++i) needs_.push_back(wanted(i) ? 1 : 0);
  }
  bool operator()(std::size_t i) const { return needs_[i] != 0; }

 private:
  Small<char, 8> needs_;
};

/// (grad, saved, needs) -> gradients of the inputs. Written on tensors, so it can be differentiated again;
/// one that leaves the tensors for speed is refused under create_graph.
struct Backward {
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, Backward>) explicit(false) Backward(F f)
      : call(std::move(f)) {
    static_assert(std::is_trivially_copyable_v<F>, "a backward captures numbers; tensors go into .saved");
  }

  std::function<Gradients(Tensor&& grad, const Saved& saved, const Needs& needs)> call;
};

struct Node {
  /// An input: no node where it wants no gradient.
  struct Edge {
    NodePtr node;
    Shape shape;
    DType dtype = {};
  };
  struct SavedValue {
    Array value;
    std::uint64_t version = 0;
    NodePtr history;
  };

  Node(std::string_view name, bool leaf);
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;
  ~Node();

  bool is_freed() const { return !is_leaf && !backward; }
  /// Throws GraphError where the node was freed, or where a saved value was modified in place.
  void check_usable() const;
  /// Forgets everything behind the node.
  void release();

  /// Nodes that live, for tests of leaks.
  static std::uint64_t alive();

  std::string_view op;
  std::uint64_t order;  ///< of creation. Inputs are older than outputs, so it is a topological order.
  bool is_leaf, requires_grad = true;
  Small<Edge, 3> edges;
  /// What the backward needs; then the output, if saved. Its history is this node: a pointer to it would be a
  /// cycle.
  Small<SavedValue, 3> saved;
  std::optional<Backward> backward;  ///< none in leaves and after release()
  std::shared_ptr<GradientHooks> hooks;
  std::weak_ptr<TensorImpl> owner;                 ///< who keeps the gradient, if anyone
  std::shared_ptr<const std::string> module_path;  ///< where the op ran, recorded under DetectAnomaly

 private:
  /// Lets go of the nodes behind this one, in a loop: deep graphs must not recurse.
  void drop_inputs();
};

}  // namespace evenkeel
