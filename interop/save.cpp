#include <evenkeel/core/check.h>
#include <evenkeel/interop/safetensors.h>
#include <evenkeel/interop/save.h>

namespace evenkeel {

void save(const Module& module, const std::string& path) {
  write_safetensors(path, {module.state(), {{"format", "pt"}}});  // PyTorch's loaders ask for the format
}

void load(Module& module, const std::string& path) {
  const Safetensors content = read_safetensors(path);
  try {
    module.load_state(content.tensors);
  } catch (const ArgumentError& error) {
    fail("load: ", path, ": ", error.what());
  }
}

}  // namespace evenkeel
