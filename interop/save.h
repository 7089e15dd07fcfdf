#pragma once

#include <evenkeel/layers/module.h>

#include <string>

namespace evenkeel {

/// Writes all parameters and buffers to a safetensors file. Names and shapes are PyTorch's, so that
/// `safetensors.torch.load_file(path)` gives a state_dict there. The path names the whole old or the whole
/// new file at any moment. Throws FileError, naming the path, for what the file system refuses.
void save(const Module& module, const std::string& path);

/// Reads such a file, or one that PyTorch wrote, into a module: everything, or an error that names the path
/// and leaves the module as it was. Throws FileError for a file that cannot be read or breaks a rule of the
/// format, ArgumentError that lists all missing, unexpected and misfit names; see Module::load_state.
void load(Module& module, const std::string& path);

}  // namespace evenkeel
