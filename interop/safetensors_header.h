#pragma once
/// Internal: the JSON header of a safetensors file: parsing with every rule checked, and its text.

#include <evenkeel/core/dtype.h>
#include <evenkeel/core/shape.h>

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace evenkeel::safetensors {

constexpr std::uint64_t longest_header = 100'000'000;

/// One tensor of the header: its values are the bytes [begin, end) after the header.
struct Entry {
  std::string name;
  DType dtype = DType::float32;
  Shape shape;
  std::uint64_t begin = 0, end = 0;
};

struct Header {
  std::vector<Entry> entries;
  std::map<std::string, std::string> metadata;
};

/// Reads the header of a file with `payload` bytes after it. Messages of FileErrors start with `label`.
Header parse(const std::string& label, std::string_view text, std::uint64_t payload);

/// The header's text, unpadded.
std::string text_of(const std::string& label, const Header& header);

}  // namespace evenkeel::safetensors
