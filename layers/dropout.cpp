#include <evenkeel/core/check.h>
#include <evenkeel/layers/dropout.h>

#include <sstream>

namespace evenkeel {
namespace {

const Dropout::Options& checked(const Dropout::Options& o) {
  check(o.p >= 0 && o.p <= 1, "Dropout: p must be between 0 and 1, got ", o.p);
  return o;
}

}  // namespace

Dropout::Dropout(const Options& given, Rng& seeds)
    : options(checked(given)), rng(static_cast<std::uint64_t>(seeds.uniform(seeds.take(1)) * 0x1p53)) {}

std::string Dropout::details() const {
  std::ostringstream text;
  text << "p=" << options.p;
  return text.str();
}

Tensor Dropout::forward(const Tensor& x) {
  return dropout(x, {.p = options.p, .training = is_training()}, rng);
}

}  // namespace evenkeel
