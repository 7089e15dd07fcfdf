#pragma once

#include <string>

namespace evenkeel {

/// How this library was built and what it runs with.
struct BuildInfo {
  std::string version;   ///< of Evenkeel, such as "0.1.0"
  std::string compiler;  ///< such as "GCC 12.2.0"
  std::string isa;       ///< the instructions that the kernels use: "AVX-512", "AVX2", or "baseline"
  int threads = 1;       ///< num_threads() now
  bool debug = false;    ///< built with assertions
};
BuildInfo build_info();

}  // namespace evenkeel
