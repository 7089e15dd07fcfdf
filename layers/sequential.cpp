#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/pool.h>
#include <evenkeel/layers/sequential.h>

#include <typeinfo>

namespace evenkeel {
namespace {

/// The largest of rectified elements is the largest element, rectified; where that is not above 0 no gradient
/// passes, whichever of equal elements would get it. DetectAnomaly is to see what each layer was given.
bool may_swap(const Layer& first, const Layer& second) {
  return !DetectAnomaly::is_on() && typeid(first) == typeid(ReLU) && typeid(second) == typeid(MaxPool2d) &&
         !first.has_forward_hooks() && !second.has_forward_hooks();
}

}  // namespace

Sequential::Sequential(std::initializer_list<Part> parts) {
  for (const auto& part : parts) append(std::move(part.layer));
}

Sequential& Sequential::append(AnyLayer layer) {
  layers_.push_back(std::move(layer));
  return *this;
}

Layer& Sequential::operator[](std::size_t index) {
  check(index < size(), "Sequential: no layer ", index, ", it has ", size());
  return *layers_[index];
}

void Sequential::fields(FieldVisitor& f) {
  for (std::size_t i = 0; i < size(); ++i) f(std::to_string(i), layers_[i]);
}

Tensor Sequential::forward(const Tensor& x) { return forward_over(Tensor(x)); }
Tensor Sequential::forward_over(Tensor&& x) {
  Tensor y = std::move(x);
  for (std::size_t i = 0; i < size(); ++i)
    if (i + 1 < size() && may_swap(*layers_[i], *layers_[i + 1])) {
      y = layers_[i](layers_[i + 1](y));
      ++i;
    } else {
      y = layers_[i](std::move(y));
    }
  return y;
}

}  // namespace evenkeel
