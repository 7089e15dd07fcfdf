#include <evenkeel/autograd/anomaly.h>
#include <evenkeel/autograd/mode.h>
#include <evenkeel/autograd/ops/creation.h>
#include <evenkeel/core/check.h>
#include <evenkeel/layers/layer.h>

#include <unordered_map>

namespace evenkeel {
namespace {

using Path = std::shared_ptr<const std::string>;
using Paths = std::unordered_map<const Module*, Path>;
/// Of all modules in the outermost layer that runs on this thread.
constinit thread_local const Paths* running_paths = nullptr;

/// While a layer runs under DetectAnomaly: tells the engine where it is.
class RunningIn {
 public:
  explicit RunningIn(const Layer& layer) : outer_paths_(running_paths), outer_path_(detail::module_path) {
    if (!running_paths) {
      for (const auto& [name, module] : layer.named_modules())
        own_.emplace(module, std::make_shared<const std::string>(name.empty() ? layer.type_name() : name));
      running_paths = &own_;
    }
    if (const auto found = running_paths->find(&layer); found != running_paths->end())
      detail::module_path = &found->second;
  }
  ~RunningIn() {
    running_paths = outer_paths_;
    detail::module_path = outer_path_;
  }
  RunningIn(const RunningIn&) = delete;
  RunningIn& operator=(const RunningIn&) = delete;

 private:
  Paths own_;
  const Paths* outer_paths_;
  const Path* outer_path_;
};

}  // namespace

Tensor Layer::run(const Tensor& x) {
  return run_hooks(forward_hooks_, forward(x),
                   [&](const auto& hook, const Tensor& y) { return hook(*this, x, y); });
}

Tensor Layer::operator()(const Tensor& x) {
  if (!DetectAnomaly::is_on()) return run(x);
  const RunningIn here(*this);
  return run(x);
}

Tensor Layer::operator()(Tensor&& x) {
  if (has_forward_hooks()) return (*this)(std::as_const(x));
  if (!DetectAnomaly::is_on()) return forward_over(std::move(x));
  const RunningIn here(*this);
  return forward_over(std::move(x));
}

void Layer::check_dtype(const Tensor& x, const Tensor& parameter) const {
  if (x.dtype() != parameter.dtype())
    fail(type_name(), ": expected ", parameter.dtype(), " input as the parameters are, got ", x.dtype(), ' ',
         x.shape(), "; convert one of them with to(dtype)");
}

std::int64_t Layer::multiply_adds(const Tensor&, const Tensor&) const { return 0; }

std::string Layer::summary(const Shape& input_shape) {
  const auto own = parameters();
  const auto dtype = own.empty() ? DType::float32 : own[0].dtype();
  return summary([&] { return (*this)(zeros(input_shape, {.dtype = dtype})); });
}

void check_fields(Layer& net, const Tensor& x) {
  const GradMode recorded(true);
  const BufferUpdates frozen(false);
  net.check_lists_parameters_of(net(x), x);
}

}  // namespace evenkeel
