#include <evenkeel/core/file.h>
#include <evenkeel/interop/safetensors.h>
#include <evenkeel/interop/safetensors_header.h>

#include <algorithm>
#include <array>
#include <bit>
#include <cstring>
#include <numeric>

namespace evenkeel {
namespace {

using safetensors::Entry;
using safetensors::Header;
using safetensors::longest_header;

static_assert(std::endian::native == std::endian::little, "safetensors hold little-endian values");

constexpr std::size_t length_bytes = 8;

/// The header's length, checked against the file's.
std::uint64_t header_length(const std::string& label, std::span<const std::byte, length_bytes> bytes,
                            std::uint64_t file_size) {
  std::uint64_t length = 0;
  std::memcpy(&length, bytes.data(), length_bytes);
  check<FileError>(length <= longest_header, label, "the header claims ", length, " bytes, expected at most ",
                   longest_header);
  check<FileError>(length <= file_size - length_bytes, label, "the header claims ", length,
                   " bytes, but only ", file_size - length_bytes, " follow");
  return length;
}

void check_has_length(const std::string& label, std::uint64_t file_size) {
  check<FileError>(file_size >= length_bytes, label, "the file has ", file_size,
                   " bytes, too few for a safetensors header");
}

/// Entry i begins where the entries before it end, in the order of falling element size.
Header header_of(const std::string& label, const Safetensors& content,
                 const std::vector<std::size_t>& order) {
  Header header{std::vector<Entry>(content.tensors.size()), content.metadata};
  std::uint64_t offset = 0;
  for (const auto i : order) {
    const auto& [name, array] = content.tensors[i];
    check<FileError>(array.defined(), label, "tensor ", in_quotes(name), " is undefined");
    const auto begin = offset;
    offset += array.bytes().size();
    header.entries[i] = {name, array.dtype(), array.shape(), begin, offset};
  }
  return header;
}

}  // namespace

Safetensors parse_safetensors(std::span<const std::byte> file) {
  const std::string label = "parse_safetensors: ";
  check_has_length(label, file.size());
  const auto length = header_length(label, file.first<length_bytes>(), file.size());
  const auto text = file.subspan(length_bytes, length), payload = file.subspan(length_bytes + length);
  Header header =
      safetensors::parse(label, {reinterpret_cast<const char*>(text.data()), text.size()}, payload.size());
  Safetensors content{{}, std::move(header.metadata)};
  for (Entry& entry : header.entries) {
    Array array = Array::uninitialized(entry.shape, entry.dtype);
    std::ranges::copy(payload.subspan(entry.begin, entry.end - entry.begin), array.mutable_bytes().begin());
    content.tensors.emplace_back(std::move(entry.name), std::move(array));
  }
  return content;
}

Safetensors read_safetensors(const std::string& path) {
  InputFile file("read_safetensors", path);
  check_has_length(file.label(), file.size());
  std::array<std::byte, length_bytes> length_field{};
  file.read_all(length_field);
  std::string text(header_length(file.label(), length_field, file.size()), '\0');
  file.read_all(std::as_writable_bytes(std::span(text)));
  Header header = safetensors::parse(file.label(), text, file.size() - length_bytes - text.size());

  Safetensors content{{}, std::move(header.metadata)};
  std::vector<std::size_t> order(header.entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {}, [&](std::size_t i) { return header.entries[i].begin; });
  content.tensors.resize(order.size());
  for (const auto i : order) {  // as the file goes; empty tensors read nothing
    Array array = Array::uninitialized(header.entries[i].shape, header.entries[i].dtype);
    file.read_all(array.mutable_bytes());
    content.tensors[i] = {std::move(header.entries[i].name), std::move(array)};
  }
  return content;
}

void write_safetensors(const std::string& path, const Safetensors& content) {
  const std::string label = "write_safetensors: " + path + ": ";
  const auto& tensors = content.tensors;
  std::vector<std::size_t> order(tensors.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, std::greater(),
                           [&](std::size_t i) { return size_of(tensors[i].second.dtype()); });

  std::string text = safetensors::text_of(label, header_of(label, content, order));
  text.resize((text.size() + 7) / 8 * 8, ' ');
  const std::uint64_t length = text.size();
  check<FileError>(length <= longest_header, label, "the header would take ", length, " bytes, at most ",
                   longest_header, " are allowed");
  std::vector<Array> arrays;  // keeps row-major copies alive
  std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(&length, 1)),
                                                 std::as_bytes(std::span(text))};
  for (const auto i : order) pieces.push_back(arrays.emplace_back(row_major(tensors[i].second)).bytes());
  replace_file("write_safetensors", path, pieces);
}

}  // namespace evenkeel
