#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/node.h>
#include <evenkeel/autograd/tensor.h>
#include <evenkeel/core/check.h>

#include <algorithm>
#include <cmath>
#include <utility>

namespace evenkeel {
namespace {

/// " (made in features.0)", or nothing where no module ran.
std::string place(const std::shared_ptr<const std::string>& path) {
  return path ? " in module \"" + *path + "\"" : "";
}

/// Throws where a value is not finite; `what` begins the message.
template <class... What>
void check_finite(const Array& values, const What&... what) {
  if (!is_floating(values.dtype())) return;
  dispatch_floating(values.dtype(), [&]<class T>() {
    const auto elements = values.stored<T>();
    const auto bad = std::ranges::find_if_not(elements, [](T value) { return std::isfinite(value); });
    if (bad == elements.end()) return;
    const auto count = std::ranges::count_if(elements, [](T value) { return !std::isfinite(value); });
    fail<GraphError>("DetectAnomaly: ", what..., " of ", values.dtype(), ' ', values.shape(),
                     " is not finite: ", count, " of ", values.size(), " elements, the first is ", *bad);
  });
}

}  // namespace

DetectAnomaly::DetectAnomaly(bool enabled) : previous_(std::exchange(on_, enabled)) {}
DetectAnomaly::~DetectAnomaly() { on_ = previous_; }

void detail::check_output_is_finite(std::string_view op, const Array& output) {
  check_finite(output, "the output of ", op, module_path ? place(*module_path) : "");
}

void detail::check_gradient_is_finite(const Node& node, std::size_t input, const Array& gradient) {
  check_finite(gradient, "the gradient that the backward of ", node.op, place(node.module_path),
               " gives for input ", input);
}

}  // namespace evenkeel
