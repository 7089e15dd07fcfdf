#include <evenkeel/autograd/node.h>
#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/check.h>

#include <atomic>

namespace evenkeel {
namespace {

constexpr auto relaxed = std::memory_order::relaxed;
std::atomic<std::uint64_t> created_nodes = 0, destroyed_nodes = 0;

}  // namespace

Node::Node(std::string_view name, bool leaf)
    : op(name), order(created_nodes.fetch_add(1, relaxed)), is_leaf(leaf) {}

Node::~Node() {
  drop_inputs();
  destroyed_nodes.fetch_add(1, relaxed);
}

std::uint64_t Node::alive() {
  const auto destroyed = destroyed_nodes.load(relaxed);  // first: nodes may come and go meanwhile
  return created_nodes.load(relaxed) - destroyed;
}

void Node::check_usable() const {
  check<GraphError>(!is_freed(), op, ": the graph was freed by an earlier backward; ",
                    "pass {.retain_graph = true} to keep it");
  for (const auto& [value, version, history] : saved)
    check<GraphError>(value.version() == version, op, ": a tensor of shape ", value.shape(),
                      " needed for backward was modified in place (version ", value.version(), ", saved at ",
                      version, ")");
}

void Node::drop_inputs() {
  std::vector<NodePtr> last_uses;
  const auto drop = [&](NodePtr& node) {
    if (node.use_count() == 1) last_uses.push_back(std::move(node));
    node.reset();
  };
  const auto drop_edges = [&](Node& node) {
    for (auto& edge : node.edges) drop(edge.node);
    for (auto& kept : node.saved) drop(kept.history);
  };
  for (drop_edges(*this); !last_uses.empty();) {
    const auto node = std::move(last_uses.back());
    last_uses.pop_back();
    drop_edges(*node);
  }
}

void Node::release() {
  if (is_leaf || is_freed()) return;  // a leaf's hooks are not the graph's
  drop_inputs();
  edges.clear();
  saved.clear();
  backward.reset();
  hooks.reset();
}

}  // namespace evenkeel
