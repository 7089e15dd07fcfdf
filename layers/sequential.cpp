#include <evenkeel/core/check.h>
#include <evenkeel/layers/sequential.h>

namespace evenkeel {

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

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (auto& layer : layers_) y = layer(y);
  return y;
}

}  // namespace evenkeel
