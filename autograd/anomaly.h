#pragma once

#include <evenkeel/autograd/mode.h>
#include <evenkeel/core/array.h>

#include <memory>
#include <string>
#include <string_view>

namespace evenkeel {

struct Node;

/// While it lives, on its thread: the first op whose output is not finite, and the first backward that gives
/// a gradient that is not finite, throw a GraphError with the op, the path of the module it ran in, and the
/// shape. Slow: every value is looked at. Graphs should be built under it too, so that the paths are known.
class DetectAnomaly {
 public:
  explicit DetectAnomaly(bool enabled = true);
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

  static bool is_on() { return on_; }

 private:
  inline static constinit thread_local bool on_ = false;
  bool previous_;
};

namespace detail {

/// The path of the module that runs on this thread; kept by Layer under DetectAnomaly.
inline constinit thread_local const std::shared_ptr<const std::string>* module_path = nullptr;

/// Off inside a backward: there the gradients are checked, so that the op is named and not what its backward
/// is made of.
using OutputChecks = ThreadSwitch<struct ChecksOutputs>;

void check_output_is_finite(std::string_view op, const Array& output);
void check_gradient_is_finite(const Node& node, std::size_t input, const Array& gradient);

}  // namespace detail
}  // namespace evenkeel
