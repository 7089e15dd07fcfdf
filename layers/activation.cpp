#include <evenkeel/layers/activation.h>

#include <sstream>

namespace evenkeel {
namespace {

template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace

std::string LeakyReLU::details() const { return text_of("negative_slope=", options.negative_slope); }
std::string GELU::details() const {
  return text_of("approximate=", options.approximate == Gelu::none ? "none" : "tanh");
}
std::string Softplus::details() const {
  return text_of("beta=", options.beta, ", threshold=", options.threshold);
}
std::string Softmax::details() const { return text_of("axis=", options.axis.value); }
std::string LogSoftmax::details() const { return text_of("axis=", options.axis.value); }

}  // namespace evenkeel
