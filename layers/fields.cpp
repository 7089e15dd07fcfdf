#include <evenkeel/core/check.h>
#include <evenkeel/layers/any_layer.h>
#include <evenkeel/layers/fields.h>
#include <evenkeel/layers/module.h>

#include <algorithm>
#include <string_view>

namespace evenkeel {

void FieldVisitor::check_name(const std::string& name) {
  check(!name.empty() && name.find('.') == std::string::npos,
        "fields: a name must have a letter and no dot (dots separate nested modules), got \"", name, '"');
}

void FieldVisitor::check_names_differ() const {
  std::vector<std::string_view> names;
  for (const auto& field : fields_) names.push_back(field.name);
  for (const auto& [name, module] : modules_) names.push_back(name);
  std::ranges::sort(names);
  const auto twice = std::ranges::adjacent_find(names);
  check(twice == names.end(), "fields: \"", twice == names.end() ? "" : *twice, "\" is listed twice");
}

void FieldVisitor::visit(const std::string& name, Module& child) {
  modules_.emplace_back(name, &child);
  const auto outer = std::exchange(prefix_, name + ".");
  child.fields(*this);
  prefix_ = outer;
}

void FieldVisitor::visit(const std::string& name, AnyLayer& child) {
  slots_.emplace_back(name, &child);
  visit(name, static_cast<Module&>(*child));
}

}  // namespace evenkeel
