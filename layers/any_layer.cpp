#include <evenkeel/core/check.h>
#include <evenkeel/layers/any_layer.h>

namespace evenkeel {

Layer& AnyLayer::operator*() const {
  check(layer_ != nullptr, "AnyLayer: it was moved from and has no layer");
  return *layer_;
}

}  // namespace evenkeel
