#include <evenkeel/core/check.h>
#include <evenkeel/core/kernels/elementwise.h>
#include <evenkeel/layers/module.h>

#include <cxxabi.h>
#include <algorithm>
#include <array>
#include <cstdlib>
#include <map>
#include <memory>
#include <ostream>
#include <set>
#include <sstream>
#include <typeinfo>

namespace evenkeel {
namespace {

using Field = FieldVisitor::Field;

Array value_of(const Field& field) {
  if (field.rng)
    return Array::from(std::array{static_cast<std::int64_t>(field.rng->seed()),
                                  static_cast<std::int64_t>(field.rng->position())},
                       {2});
  const Array& value = field.parameter ? field.parameter->stored() : *field.buffer;
  check(value.defined(), "fields: the buffer \"", field.name, "\" is undefined");
  return value;
}

void write(const Field& field, const Array& value) {
  if (field.rng) {
    const auto words = value.data<std::int64_t>();
    field.rng->reset(static_cast<std::uint64_t>(words[0]), static_cast<std::uint64_t>(words[1]));
  } else {
    (field.parameter ? field.parameter->mutable_value() : *field.buffer).assign(value);
  }
}

bool may_be_absent(const Field& field) {
  return field.rng || field.name.substr(field.name.rfind('.') + 1) == "num_batches_tracked";
}

std::string or_none(const std::string& names) { return names.empty() ? " none" : names; }

}  // namespace

FieldVisitor Module::visit() const {
  FieldVisitor visitor;
  const_cast<Module*>(this)->fields(visitor);  // one list serves readers and writers
  visitor.check_names_differ();
  return visitor;
}

std::string Module::type_name() const {
  const std::unique_ptr<char, void (*)(void*)> full(abi::__cxa_demangle(typeid(*this).name(), {}, {}, {}),
                                                    std::free);
  const std::string name = full ? full.get() : "Module";
  return name.substr(name.rfind(':', name.find('<')) + 1);
}

void Module::train(bool on) {
  for (const auto& [name, module] : named_modules()) module->training_ = on;
}

std::vector<std::pair<std::string, Module*>> Module::named_modules() const {
  auto found = visit().modules();
  found.emplace(found.begin(), "", const_cast<Module*>(this));
  return found;
}

std::vector<std::pair<std::string, Parameter>> Module::named_parameters() const {
  std::vector<std::pair<std::string, Parameter>> found;
  std::set<const Node*> seen;
  for (const auto& field : visit().fields())
    if (field.parameter && seen.insert(field.parameter->node().get()).second)
      found.emplace_back(field.name, *field.parameter);
  return found;
}

std::vector<Parameter> Module::parameters() const {
  std::vector<Parameter> found;
  for (const auto& [name, parameter] : named_parameters()) found.push_back(parameter);
  return found;
}

void Module::zero_grad() const {
  for (const auto& parameter : parameters()) parameter.zero_grad();
}

void Module::set_requires_grad(bool wanted) const {
  for (const auto& parameter : parameters()) parameter.set_requires_grad(wanted);
}

void Module::to(DType dtype) {
  check(is_floating(dtype), type_name(), "::to: expected float32 or float64, got ", dtype);
  const auto fields = visit().fields();
  std::vector<std::pair<Array*, Array>>
      converted;  // first all of them, so that running out of memory halves nothing
  for (const auto& field : fields) {
    if (field.rng) continue;
    Array& value = field.parameter ? field.parameter->mutable_value() : *field.buffer;
    if (is_floating(value.dtype()) && value.defined())
      converted.emplace_back(&value, kernels::cast(value, dtype));
  }
  for (auto& [own, value] : converted) *own = std::move(value);
  zero_grad();
}

State Module::state(StateOptions options) const {
  State copy;
  for (const auto& field : visit().fields())
    if (!field.rng || options.rng) copy.emplace_back(field.name, value_of(field).clone());
  return copy;
}

void Module::load_state(const State& state, LoadOptions options) {
  std::map<std::string, Array> given;
  for (const auto& [name, array] : state)
    check(given.emplace(name, array).second, "load_state: nothing was loaded; \"", name, "\" occurs twice");
  std::string missing, unexpected;
  std::ostringstream misfits;
  std::vector<std::pair<Field, Array>> values;  // ready to be copied in, so that writing cannot fail
  for (const auto& field : visit().fields()) {
    const auto found = given.extract(field.name);
    if (found.empty()) {
      if (!may_be_absent(field)) missing += " " + field.name;
      continue;
    }
    const Array own = value_of(field), &other = found.mapped();
    if (!other.defined())
      misfits << "; " << field.name << ": expected " << own.dtype() << ' ' << own.shape() << ", got nothing";
    else if (other.shape() != own.shape() || other.dtype() != own.dtype())
      misfits << "; " << field.name << ": expected " << own.dtype() << ' ' << own.shape() << ", got "
              << other.dtype() << ' ' << other.shape();
    else
      values.emplace_back(field, in_order(other, own.order()).clone());
  }
  for (const auto& [name, array] : given) unexpected += " " + name;
  check(misfits.str().empty() && (!options.strict || (missing + unexpected).empty()),
        "load_state: nothing was loaded; missing:", or_none(missing), "; unexpected:", or_none(unexpected),
        misfits.str());
  for (const auto& [field, value] : values) write(field, value);
}

std::ostream& operator<<(std::ostream& os, const Module& module) {
  std::vector<std::string> around;  // the modules that the next one may lie in
  for (const auto& [name, part] : module.named_modules()) {
    while (!around.empty() && !name.starts_with(around.back())) around.pop_back();
    if (!name.empty()) {
      os << std::string(2 * (around.size() + 1), ' ') << name << ": ";
      around.push_back(name + ".");
    }
    os << part->type_name();
    if (const auto details = part->details(); !details.empty()) os << '(' << details << ')';
    for (const auto& [field, parameter] : part->named_parameters())
      if (field.find('.') == std::string::npos) os << ' ' << field << ' ' << parameter.shape();
    os << '\n';
  }
  return os;
}

}  // namespace evenkeel
