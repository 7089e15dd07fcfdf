#include <evenkeel/autograd/mode.h>
#include <evenkeel/autograd/node.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/keep_modes.h>
#include <evenkeel/layers/layer.h>
#include <evenkeel/layers/text_table.h>

#include <algorithm>
#include <map>
#include <set>
#include <sstream>
#include <unordered_set>

namespace evenkeel {
namespace {

std::string text_of(const Shape& shape) {
  std::ostringstream text;
  text << shape;
  return text.str();
}

/// What a layer did while the model ran.
struct Work {
  std::string output = "-";
  std::int64_t multiply_adds = 0;
};
struct Size {
  std::int64_t parameters = 0, buffers = 0;
};

/// Watches all layers, in evaluation mode, and leaves everything as it was.
class CostWatch {
 public:
  explicit CostWatch(const std::vector<FieldVisitor::NamedModule>& modules)
      : modes_(*modules.front().second) {
    for (const auto& [path, module] : modules)
      if (auto* const layer = dynamic_cast<Layer*>(module))
        hooks_.push_back(
            layer->register_forward_hook([this](const Layer& self, const Tensor& x, const Tensor& y) {
              auto& work = works_[&self];
              work.output = text_of(y.shape());
              work.multiply_adds += self.multiply_adds(x, y);
            }));
    modules.front().second->eval();
  }
  ~CostWatch() {
    for (auto& hook : hooks_) hook.remove();
  }
  CostWatch(const CostWatch&) = delete;
  CostWatch& operator=(const CostWatch&) = delete;

  const Work& work(const Module* module) { return works_[module]; }

 private:
  KeepModes modes_;
  std::vector<HookHandle> hooks_;
  std::map<const Module*, Work> works_;
};

}  // namespace

void Module::check_lists_parameters_of(const Tensor& y, const Tensor& x) const {
  std::unordered_set<const Node*> listed{x.node().get()}, seen;
  for (const auto& parameter : parameters()) listed.insert(parameter.node().get());
  std::vector<const Node*> pending{y.node().get()};
  while (!pending.empty()) {
    const Node* const node = pending.back();
    pending.pop_back();
    if (!node || !seen.insert(node).second) continue;
    for (const auto& edge : node->edges) {
      check(!edge.node || !edge.node->is_leaf || listed.contains(edge.node.get()), type_name(),
            ": a parameter of shape ", edge.shape, ", used by ", node->op, ", is not listed in fields()");
      pending.push_back(edge.node.get());
    }
  }
}

std::string Module::summarize(const std::function<Tensor()>& run) {
  const auto modules = named_modules();
  const GradMode recorded(true);  // the graph tells which parameters were used
  const BufferUpdates frozen(false);
  CostWatch watch(modules);
  check_lists_parameters_of(run());

  const auto fields = visit().fields();
  std::map<std::string, Size> sizes;  // by the path of the module that owns them
  std::set<const Node*> counted;
  for (const auto& field : fields) {
    const auto owner = std::ranges::find_if(modules.rbegin(), modules.rend(), [&](const auto& module) {
      return module.first.empty() || field.name.starts_with(module.first + ".");
    });
    if (field.parameter && counted.insert(field.parameter->node().get()).second)
      sizes[owner->first].parameters += field.parameter->size();
    if (field.buffer) sizes[owner->first].buffers += field.buffer->size();
  }
  std::vector<std::vector<std::string>> rows{
      {"path", "layer", "output", "parameters", "buffers", "multiply-adds"}};
  Size all;
  std::int64_t multiply_adds = 0;
  for (const auto& [path, module] : modules) {
    const auto& work = watch.work(module);
    const auto& size = sizes[path];
    all.parameters += size.parameters;
    all.buffers += size.buffers;
    multiply_adds += work.multiply_adds;
    rows.push_back({path, module->type_name(), work.output, std::to_string(size.parameters),
                    std::to_string(size.buffers), std::to_string(work.multiply_adds)});
  }
  rows.push_back({"total", "", "", std::to_string(all.parameters), std::to_string(all.buffers),
                  std::to_string(multiply_adds)});
  return text_table(rows, 3);
}

}  // namespace evenkeel
