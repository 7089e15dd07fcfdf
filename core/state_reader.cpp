#include <evenkeel/core/check.h>
#include <evenkeel/core/state_reader.h>

#include <sstream>

namespace evenkeel {

StateReader::StateReader(std::string who, const State& state) : who_(std::move(who)) {
  for (const auto& [name, array] : state)
    check(given_.emplace(name, array).second, who_, ": nothing was loaded; \"", name, "\" occurs twice");
}

Array StateReader::take(const std::string& name, DType dtype, const Shape& shape) {
  const auto found = given_.extract(name);
  if (found.empty()) {
    missing_ += " " + name;
    return {};
  }
  const Array& array = found.mapped();
  if (array.defined() && array.dtype() == dtype && array.shape() == shape) return row_major(array).clone();
  std::ostringstream misfit;
  misfit << "; " << name << ": expected " << dtype << ' ' << shape << ", got ";
  if (array.defined())
    misfit << array.dtype() << ' ' << array.shape();
  else
    misfit << "nothing";
  misfits_ += misfit.str();
  return {};
}

void StateReader::finish() const {
  std::string unexpected;
  for (const auto& [name, array] : given_) unexpected += " " + name;
  const auto or_none = [](const std::string& names) { return names.empty() ? " none" : names; };
  check((missing_ + misfits_ + unexpected).empty(), who_, ": nothing was loaded; missing:", or_none(missing_),
        "; unexpected:", or_none(unexpected), misfits_);
}

}  // namespace evenkeel
