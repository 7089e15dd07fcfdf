#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/activation.h>
#include <evenkeel/layers/batch_norm.h>
#include <evenkeel/layers/pool.h>
#include <evenkeel/layers/sequential.h>

#include <typeinfo>

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

Tensor Sequential::forward(const Tensor& x) { return forward_over(Tensor(x)); }
Tensor Sequential::forward_over(Tensor&& x) {
  Tensor y = std::move(x);
  for (std::size_t i = 0; i < size();) {
    auto next = i;
    auto* const norm = take_plain<BatchNorm2d>(next);
    auto* const rectify = take_plain<ReLU>(next);
    auto* const pool = take_plain<MaxPool2d>(next);
    const bool fits =
        pool && (norm ? norm->options.data_format == pool->options.data_format : rectify != nullptr);
    if (!fits || DetectAnomaly::is_on()) {
      y = layers_[i++](std::move(y));
      continue;
    }
    // The largest of rectified elements is the largest element, rectified; where that is not above 0 no
    // gradient passes, whichever of equal elements would get it.
    y = norm ? norm->max_pooled(y, pool->options) : (*pool)(y);
    if (rectify) y = (*rectify)(std::move(y));
    i = next;
  }
  return y;
}

template <class L>
L* Sequential::take_plain(std::size_t& i) {
  if (i == size()) return nullptr;
  Layer& layer = *layers_[i];
  if (layer.has_forward_hooks() || typeid(layer) != typeid(L)) return nullptr;
  ++i;
  return &static_cast<L&>(layer);
}

}  // namespace evenkeel
