#include <evenkeel/autograd/graph_text.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace evenkeel {

std::string graph_text(const Tensor& tensor) {
  std::map<std::uint64_t, const Node*, std::greater<>> nodes;  // newest first
  if (tensor.node()) nodes.emplace(tensor.node()->order, tensor.node().get());
  for (auto it = nodes.begin(); it != nodes.end(); ++it)
    for (const auto& edge : it->second->edges)
      if (edge.node) nodes.emplace(edge.node->order, edge.node.get());

  std::ostringstream text;
  for (const auto& [order, node] : nodes) {
    text << '#' << order << ' ' << node->op;
    if (node->is_freed()) text << " (freed)";
    if (!node->edges.empty()) text << " <-";
    for (const auto& edge : node->edges) {
      if (edge.node)
        text << " #" << edge.node->order << ' ' << edge.node->op << ' ';
      else
        text << " - ";
      text << edge.dtype << ' ' << edge.shape;
    }
    if (node->module_path) text << "  in " << *node->module_path;
    text << '\n';
  }
  return text.str();
}

}  // namespace evenkeel
