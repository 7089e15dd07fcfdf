#pragma once

#include <evenkeel/autograd/parameter.h>
#include <evenkeel/core/array.h>
#include <evenkeel/core/random.h>

#include <array>
#include <cstddef>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace evenkeel {

class AnyLayer;
class Module;

/// What a module consists of. A class lists its members once, each under the name it has in a state:
///
///     void fields(FieldVisitor& f) override { f("conv", conv); f("scale", scale); }
///
/// and parameters, state, train, printing follow from the list. The role of a member is its type: Parameter
/// trains, Array is a buffer, Rng belongs to the state for resume, Module and AnyLayer nest. std::optional
/// may be absent; the items of std::vector and std::array are "name.0", "name.1", ...
class FieldVisitor {
 public:
  /// One member that holds values; exactly one pointer is set.
  struct Field {
    std::string name;
    Parameter* parameter = nullptr;
    Array* buffer = nullptr;
    Rng* rng = nullptr;
  };
  using NamedModule = std::pair<std::string, Module*>;
  using NamedSlot = std::pair<std::string, AnyLayer*>;

  /// Throws ArgumentError for a name that is empty or has a dot.
  template <class T>
  void operator()(const std::string& name, T& member) {
    check_name(name);
    visit(prefix_ + name, member);
  }

  /// Everything that was listed, depth first, under dotted names.
  std::vector<Field> fields() && { return std::move(fields_); }
  std::vector<NamedModule> modules() && { return std::move(modules_); }
  /// Those of the modules that an AnyLayer holds: another layer may be put there.
  std::vector<NamedSlot> slots() && { return std::move(slots_); }
  /// Throws ArgumentError where two members have one name.
  void check_names_differ() const;

 private:
  static void check_name(const std::string& name);
  void visit(const std::string& name, Parameter& parameter) {
    fields_.push_back({.name = name, .parameter = &parameter});
  }
  void visit(const std::string& name, Array& buffer) { fields_.push_back({.name = name, .buffer = &buffer}); }
  void visit(const std::string& name, Rng& rng) { fields_.push_back({.name = name, .rng = &rng}); }
  void visit(const std::string& name, Module& child);
  void visit(const std::string& name, AnyLayer& child);
  template <class T>
  void visit(const std::string& name, std::optional<T>& member) {
    if (member) visit(name, *member);
  }
  template <class T>
  void visit(const std::string& name, std::vector<T>& items) {
    visit_each(name, items);
  }
  template <class T, std::size_t N>
  void visit(const std::string& name, std::array<T, N>& items) {
    visit_each(name, items);
  }
  void visit_each(const std::string& name, auto& items) {
    for (std::size_t i = 0; i < items.size(); ++i) visit(name + "." + std::to_string(i), items[i]);
  }

  std::vector<Field> fields_;
  std::vector<NamedModule> modules_;
  std::vector<NamedSlot> slots_;
  std::string prefix_;
};

}  // namespace evenkeel
