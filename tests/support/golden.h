#pragma once

#include <evenkeel/core/array.h>
#include <evenkeel/interop/safetensors.h>

#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

namespace evenkeel::testing {

/// One call whose results were recorded; tests/golden/README.md has the names of its tensors.
struct GoldenCase {
  std::string name, op;
  nlohmann::json args;
  std::vector<std::string> inputs;
  DType dtype = DType::float64;
  nlohmann::json all;  ///< the whole entry, for fields that only some files have
};

/// A file of tests/golden/data.
class Golden {
 public:
  /// `file` as "ops.safetensors".
  explicit Golden(const std::string& file)
      : Golden(read_safetensors(EVENKEEL_SOURCE_DIR "/tests/golden/data/" + file)) {}

  const std::vector<GoldenCase>& cases() const { return cases_; }
  std::vector<GoldenCase> cases(const std::string& op) const {
    std::vector<GoldenCase> found;
    for (const auto& each : cases_)
      if (each.op == op) found.push_back(each);
    return found;
  }
  const std::map<std::string, std::string>& metadata() const { return metadata_; }

  bool has(const GoldenCase& of, const std::string& tensor) const {
    return arrays_.contains(of.name + '/' + tensor);
  }
  /// A copy that the test may write. Throws where the file has none.
  Array operator()(const GoldenCase& of, const std::string& tensor) const {
    const auto found = arrays_.find(of.name + '/' + tensor);
    check(found != arrays_.end(), "Golden: no tensor ", of.name, '/', tensor);
    return found->second.clone();
  }

 private:
  explicit Golden(Safetensors content) : metadata_(std::move(content.metadata)) {
    for (auto& [name, array] : content.tensors) arrays_.emplace(name, std::move(array));
    for (const auto& each : nlohmann::json::parse(metadata_.at("cases")))
      cases_.push_back({each.at("name"), each.at("op"), each.at("args"), each.at("inputs"),
                        each.at("dtype") == "float32" ? DType::float32 : DType::float64, each});
  }

  std::map<std::string, std::string> metadata_;
  std::map<std::string, Array> arrays_;
  std::vector<GoldenCase> cases_;
};

}  // namespace evenkeel::testing
