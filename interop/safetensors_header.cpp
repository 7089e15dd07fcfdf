#include <evenkeel/core/file.h>
#include <evenkeel/interop/safetensors_header.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <unordered_set>

namespace evenkeel::safetensors {
namespace {

using nlohmann::json;

constexpr std::string_view metadata_key = "__metadata__";

struct Format {
  std::string_view name;
  DType dtype;
};
constexpr std::array formats{Format{"F64", DType::float64}, Format{"F32", DType::float32},
                             Format{"I64", DType::int64}, Format{"U8", DType::uint8}};
constexpr std::array<std::string_view, 18> other_formats{
    "BOOL", "F4",  "F6_E2M3", "F6_E3M2", "I8",  "F8_E5M2", "F8_E4M3",     "F8_E8M0",     "I16",
    "U16",  "F16", "BF16",    "I32",     "U32", "C64",     "F8_E4M3FNUZ", "F8_E5M2FNUZ", "U64"};

/// A tensor's object while it is being read: fields may come in any order.
struct Draft {
  std::string name;
  std::optional<std::string> dtype;
  std::optional<std::vector<std::uint64_t>> shape, offsets;
};

/// Follows the events of the JSON parser, which keeps no tree: memory stays in proportion to the header, and
/// duplicate keys are seen.
class HeaderReader final : public json::json_sax_t {
 public:
  explicit HeaderReader(const std::string& label) : label_(label) {}

  Header header;

  bool start_object(std::size_t) override {
    switch (place_) {
      case Place::start:
        return move_to(Place::top);
      case Place::top:
        if (key_ == metadata_key) return move_to(Place::metadata);
        draft_ = {.name = key_, .dtype = {}, .shape = {}, .offsets = {}};
        return move_to(Place::tensor);
      default:
        refuse("an object");
    }
  }
  bool end_object() override {
    if (place_ == Place::tensor) header.entries.push_back(finished());
    return move_to(place_ == Place::top ? Place::end : Place::top);
  }
  bool key(string_t& name) override {
    switch (place_) {
      case Place::top:
        check<FileError>(names_.insert(name).second, label_, "the header lists ", in_quotes(name), " twice");
        check<FileError>(name.find('\0') == std::string::npos, label_, "tensor ", in_quotes(name),
                         " has a null byte in its name");
        key_ = name;
        break;
      case Place::metadata:
        check<FileError>(!header.metadata.contains(name), label_, "__metadata__ lists ", in_quotes(name),
                         " twice");
        field_ = name;
        break;
      default:
        check<FileError>(name == "dtype" || name == "shape" || name == "data_offsets", tensor(),
                         "has an unknown field ", in_quotes(name),
                         "; expected dtype, shape and data_offsets");
        check<FileError>(!known(name), tensor(), "has ", name, " twice");
        field_ = name;
    }
    return true;
  }
  bool string(string_t& text) override {
    if (place_ == Place::metadata)
      header.metadata.emplace(field_, text);
    else if (place_ == Place::tensor && field_ == "dtype")
      draft_.dtype = text;
    else
      refuse("a string");
    return true;
  }
  bool start_array(std::size_t) override {
    if (place_ != Place::tensor || field_ == "dtype") refuse("an array");
    (field_ == "shape" ? draft_.shape : draft_.offsets).emplace();
    return move_to(Place::numbers);
  }
  bool end_array() override { return move_to(Place::tensor); }
  bool number_unsigned(number_unsigned_t value) override {
    if (place_ != Place::numbers) refuse("a number");
    const bool is_shape = field_ == "shape";
    auto& numbers = *(is_shape ? draft_.shape : draft_.offsets);
    check<FileError>(numbers.size() < (is_shape ? Shape::max_rank : 2), tensor(),
                     is_shape ? "has more than 8 axes" : "has data_offsets of more than two numbers");
    numbers.push_back(value);
    return true;
  }
  bool number_integer(number_integer_t) override { refuse("a negative number"); }
  bool number_float(number_float_t, const string_t&) override {
    refuse("a number that is no 64-bit integer");
  }
  bool boolean(bool) override { refuse("a boolean"); }
  bool null() override { refuse("null"); }
  bool binary(binary_t&) override { refuse("binary data"); }
  bool parse_error(std::size_t position, const std::string&, const nlohmann::detail::exception&) override {
    fail<FileError>(label_, "the header is not UTF-8 JSON: error at its byte ", position);
  }

 private:
  enum class Place { start, top, metadata, tensor, numbers, end };

  bool move_to(Place place) {
    place_ = place;
    return true;
  }
  bool known(const std::string& field) const {
    return field == "dtype" ? draft_.dtype.has_value()
                            : (field == "shape" ? draft_.shape : draft_.offsets).has_value();
  }
  std::string tensor() const { return label_ + "tensor " + in_quotes(draft_.name) + ' '; }
  [[noreturn]] void refuse(std::string_view what) const {
    switch (place_) {
      case Place::start:
        fail<FileError>(label_, "the header is ", what, ", expected a JSON object");
      case Place::top:
        fail<FileError>(label_, "header entry ", in_quotes(key_), " is ", what, ", expected an object");
      case Place::metadata:
        fail<FileError>(label_, "__metadata__ ", in_quotes(field_), " is ", what, ", expected a string");
      default:
        fail<FileError>(tensor(), "has ", what, " in ", field_, ", expected ",
                        field_ == "dtype" ? "a string" : "an array of whole numbers");
    }
  }
  Entry finished() const;

  const std::string& label_;
  Place place_ = Place::start;
  std::string key_, field_;
  Draft draft_;
  std::unordered_set<std::string> names_;
};

DType dtype_named(const std::string& tensor, const std::string& name) {
  if (const auto format = std::ranges::find(formats, name, &Format::name); format != formats.end())
    return format->dtype;
  const bool other = std::ranges::find(other_formats, name) != other_formats.end();
  fail<FileError>(tensor, "has dtype ", in_quotes(name), other ? "" : ", which the format does not define",
                  "; expected F64, F32, I64 or U8");
}

std::string list_of(const std::vector<std::uint64_t>& numbers) {
  std::string text = "[";
  for (const auto number : numbers) text += (text.size() > 1 ? ", " : "") + std::to_string(number);
  return text + ']';
}

Entry HeaderReader::finished() const {
  const auto& [name, dtype, dims, offsets] = draft_;
  check<FileError>(dtype && dims && offsets, tensor(), "lacks ",
                   !dtype  ? "dtype"
                   : !dims ? "shape"
                           : "data_offsets");
  check<FileError>(offsets->size() == 2, tensor(), "has data_offsets ", list_of(*offsets),
                   ", expected two numbers");
  Entry entry{name, dtype_named(tensor(), *dtype), {}, (*offsets)[0], (*offsets)[1]};
  check<FileError>(entry.begin <= entry.end, tensor(), "has data_offsets ", list_of(*offsets),
                   " that end before they begin");
  std::uint64_t bytes = size_of(entry.dtype);
  for (const auto dim : *dims)
    check<FileError>(!__builtin_mul_overflow(bytes, dim, &bytes), tensor(),
                     "has a shape whose size overflows: ", list_of(*dims));
  check<FileError>(bytes == entry.end - entry.begin, tensor(), "of ", *dtype, ' ', list_of(*dims), " needs ",
                   bytes, " bytes, but its data_offsets span ", entry.end - entry.begin);
  try {
    entry.shape = Shape(std::vector<std::int64_t>(dims->begin(), dims->end()));
  } catch (const ArgumentError&) {  // an empty tensor whose other dimensions are beyond all use
    fail<FileError>(tensor(), "has a shape whose size overflows: ", list_of(*dims));
  }
  return entry;
}

/// Begin to end without hole or overlap; empty tensors may share a place.
void check_layout(const std::string& label, const std::vector<Entry>& entries, std::uint64_t payload) {
  std::vector<std::size_t> order(entries.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::ranges::stable_sort(order, {},
                           [&](std::size_t i) { return std::pair(entries[i].begin, entries[i].end); });
  std::uint64_t end = 0;
  for (const auto i : order) {
    const Entry& entry = entries[i];
    check<FileError>(entry.begin == end, label, "tensor ", in_quotes(entry.name), " begins at byte ",
                     entry.begin, " of the data, expected ", end,
                     ": tensors must neither overlap nor leave holes");
    end = entry.end;
  }
  check<FileError>(end == payload, label, "the tensors take ", end, " bytes, but ", payload,
                   " follow the header");
}

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view whitespace = " \t\r\n";
  const auto begin = text.find_first_not_of(whitespace);
  if (begin == std::string_view::npos) return {};
  return text.substr(begin, text.find_last_not_of(whitespace) + 1 - begin);
}

std::string json_string(const std::string& label, const std::string& text) {
  try {
    return json(text).dump();
  } catch (const json::exception&) {
    fail<FileError>(label, in_quotes(text), " is not UTF-8");
  }
}

}  // namespace

Header parse(const std::string& label, std::string_view text, std::uint64_t payload) {
  // The parser would skip a byte order mark and take a null byte for the end of the text.
  const auto object = trimmed(text);
  check<FileError>(object.starts_with('{'), label, "the header is no JSON object: it does not begin with {");
  const auto null = object.find('\0');
  check<FileError>(null == std::string_view::npos, label,
                   "the header is not UTF-8 JSON: null byte at its byte ", null);
  HeaderReader reader(label);
  json::sax_parse(object, &reader);
  check_layout(label, reader.header.entries, payload);
  return std::move(reader.header);
}

std::string text_of(const std::string& label, const Header& header) {
  std::string text = "{", comma;
  if (!header.metadata.empty()) {
    text += "\"__metadata__\":{";
    for (const auto& [key, value] : header.metadata) {
      text += comma + json_string(label, key) + ':' + json_string(label, value);
      comma = ",";
    }
    text += '}';
  }
  std::unordered_set<std::string_view> names;
  for (const auto& [name, dtype, shape, begin, end] : header.entries) {
    check<FileError>(name != metadata_key, label, "no tensor can be called __metadata__");
    check<FileError>(name.find('\0') == std::string::npos, label, "tensor ", in_quotes(name),
                     " has a null byte in its name");
    check<FileError>(names.insert(name).second, label, "two tensors are called ", in_quotes(name));
    const auto format = std::ranges::find(formats, dtype, &Format::dtype)->name;
    text += comma + json_string(label, name) + ":{\"dtype\":\"" + std::string(format) + "\",\"shape\":" +
            json(std::vector<std::int64_t>(shape.dims().begin(), shape.dims().end())).dump() +
            ",\"data_offsets\":[" + std::to_string(begin) + ',' + std::to_string(end) + "]}";
    comma = ",";
  }
  return text + '}';
}

}  // namespace evenkeel::safetensors
