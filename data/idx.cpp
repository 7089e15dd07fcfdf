#include <evenkeel/data/byte_source.h>
#include <evenkeel/data/idx.h>

#include <algorithm>
#include <cstdlib>
#include <string>
#include <vector>

namespace evenkeel::data {
namespace {

constexpr std::size_t largest_rank = 4;

std::string_view type_name(std::byte type) {
  switch (std::to_integer<int>(type)) {
    case 0x09:
      return "signed bytes";
    case 0x0B:
      return "16-bit integers";
    case 0x0C:
      return "32-bit integers";
    case 0x0D:
      return "32-bit floats";
    case 0x0E:
      return "64-bit floats";
    default:
      return "values of an unknown type";
  }
}

Shape read_header(ByteSource& source) {
  std::array<std::byte, 4> magic{};
  source.read_all(magic);
  const auto [zero, also_zero, type, rank_byte] = magic;
  check<FileError>(zero == std::byte{} && also_zero == std::byte{}, source.label(),
                   "is no IDX file: it begins with bytes ", std::to_integer<int>(zero), ' ',
                   std::to_integer<int>(also_zero), ", expected 0 0");
  check<FileError>(type == std::byte{0x08}, source.label(), "holds ", type_name(type), " (IDX type ",
                   std::to_integer<int>(type), "), expected unsigned bytes (8)");
  const auto rank = std::to_integer<std::size_t>(rank_byte);
  check<FileError>(rank >= 1 && rank <= largest_rank, source.label(), "has rank ", rank, ", expected 1 to 4");

  std::array<std::byte, 4 * largest_rank> bytes{};
  source.read_all(std::span(bytes).first(4 * rank));
  std::vector<std::int64_t> dims(rank);
  for (std::size_t i = 0; i < 4 * rank; ++i)
    dims[i / 4] = dims[i / 4] << 8 | std::to_integer<std::int64_t>(bytes[i]);
  const auto room = static_cast<std::int64_t>(source.most_bytes());
  std::int64_t needed = 1;
  for (const auto dim : dims)
    check<FileError>(!__builtin_mul_overflow(needed, dim, &needed), source.label(),
                     "has dimensions whose size overflows");
  check<FileError>(needed <= room, source.label(), "announces ", needed,
                   " values, more than a file of its size can hold");
  try {
    return Shape(dims);
  } catch (const ArgumentError&) {  // no values at all, yet other dimensions beyond all use
    fail<FileError>(source.label(), "has dimensions whose size overflows");
  }
}

Array read_idx_of(std::string_view who, const std::string& path) {
  ByteSource source(who, path);
  Array values = Array::uninitialized(read_header(source), DType::uint8);
  source.read_all(values.mutable_bytes());
  source.expect_end();
  return values;
}

Examples read_pair(std::string_view who, const IdxDataset::Options& options) {
  check(!options.images.empty() && !options.labels.empty(), who, ": no file of ",
        options.images.empty() ? "images" : "labels", " was given");
  check(options.classes >= 1, who, ": classes is ", options.classes, ", expected at least 1");
  const auto label = [&](const std::string& path) { return std::string(who) + ": " + path + ": "; };
  const Array labels = read_idx_of(who, options.labels);
  check<FileError>(labels.shape().rank() == 1, label(options.labels), "holds ", labels.shape(),
                   ", expected labels [N]");
  const auto values = labels.data<std::uint8_t>();
  const auto wrong =
      std::ranges::find_if(values, [&](std::int64_t value) { return value >= options.classes; });
  check<FileError>(wrong == values.end(), label(options.labels), "label ",
                   wrong == values.end() ? 0 : int{*wrong}, " of sample ", wrong - values.begin(),
                   " is no class, expected [0, ", options.classes, ")");

  Array images = read_idx_of(who, options.images);
  const auto& shape = images.shape();
  check<FileError>(shape.rank() == 3 || shape.rank() == 4, label(options.images), "holds ", shape,
                   ", expected images [N, H, W] or [N, C, H, W]");
  check<FileError>(shape[0] == labels.shape()[0], label(options.images), "holds ", shape[0], " images, but ",
                   options.labels, " holds ", labels.shape()[0], " labels");
  if (shape.rank() == 3) images = images.relabelled(shape.inserted(1, 1), MemoryOrder::row_major);
  return {images, labels};
}

std::filesystem::path plain_or_gzip(const std::filesystem::path& folder, const std::string& name) {
  const auto plain = folder / name, packed = folder / (name + ".gz");
  std::error_code ignored;
  if (std::filesystem::exists(plain, ignored)) return plain;
  check<FileError>(std::filesystem::exists(packed, ignored), "FashionMNIST: ", plain.string(),
                   "[.gz]: not found; ",
                   "install dataset-fashion-mnist, or name the folder by .folder or by EVENKEEL_DATA");
  return packed;
}

IdxDataset::Options fashion_files(const FashionMNIST::Options& options) {
  const char* const environment = std::getenv("EVENKEEL_DATA");
  auto folder = options.folder;
  if (folder.empty()) folder = environment != nullptr ? environment : "";
  if (folder.empty()) folder = "/usr/share/datasets/fashion-mnist";
  const std::string prefix = options.split == Split::train ? "train" : "t10k";
  return {.images = plain_or_gzip(folder, prefix + "-images-idx3-ubyte"),
          .labels = plain_or_gzip(folder, prefix + "-labels-idx1-ubyte"),
          .classes = 10,
          .limit = options.limit};
}

}  // namespace

Array read_idx(const std::string& path) { return read_idx_of("read_idx", path); }

IdxDataset::IdxDataset(std::string_view who, const Options& options)
    : IdxDataset(who, options, read_pair(who, options)) {}
IdxDataset::IdxDataset(std::string_view who, const Options& options, const Examples& read)
    : ImageDataset(who, read.inputs, read.targets, options.limit) {}

FashionMNIST::FashionMNIST(const Options& options) : IdxDataset("FashionMNIST", fashion_files(options)) {}

}  // namespace evenkeel::data
