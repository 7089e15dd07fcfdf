#include <evenkeel/core/file.h>
#include <evenkeel/data/cifar.h>

#include <algorithm>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace evenkeel::data {
namespace {

constexpr std::uint64_t image_bytes = 3 * 32 * 32, record_bytes = 1 + image_bytes;

std::filesystem::path folder_of(const CIFAR10::Options& options) {
  const char* const environment = std::getenv("EVENKEEL_DATA");
  const auto folder = options.folder.empty() && environment != nullptr ? environment : options.folder;
  check(!folder.empty(), "CIFAR10: no folder was given, neither by .folder nor by EVENKEEL_DATA");
  return folder;
}

/// Opened and measured, so that all sizes are known before memory is taken.
struct BatchFile {
  explicit BatchFile(const std::filesystem::path& path) : input("CIFAR10", path) {
    check<FileError>(input.size() > 0 && input.size() % record_bytes == 0, input.label(), "has ",
                     input.size(), " bytes, expected records of ", record_bytes);
  }
  std::uint64_t records() const { return input.size() / record_bytes; }

  InputFile input;
};

}  // namespace

Examples CIFAR10::read(const Options& options) {
  const auto folder = folder_of(options);
  std::vector<std::unique_ptr<BatchFile>> files;
  if (options.split == Split::test)
    files.push_back(std::make_unique<BatchFile>(folder / "test_batch.bin"));
  else
    for (int i = 1; i <= 5; ++i)
      files.push_back(std::make_unique<BatchFile>(folder / ("data_batch_" + std::to_string(i) + ".bin")));

  std::uint64_t count = 0;
  for (const auto& file : files) count += file->records();
  const auto samples = static_cast<std::int64_t>(count);
  Array images = Array::uninitialized({samples, 3, 32, 32}, DType::uint8);
  Array labels = Array::uninitialized({samples}, DType::uint8);
  auto image = images.mutable_bytes().begin(), label = labels.mutable_bytes().begin();
  std::array<std::byte, record_bytes> record{};
  for (const auto& file : files)
    for (std::uint64_t i = 0; i < file->records(); ++i) {
      file->input.read_all(record);
      check<FileError>(std::to_integer<int>(record[0]) < 10, file->input.label(), "label ",
                       std::to_integer<int>(record[0]), " of record ", i, " is no class, expected [0, 10)");
      *label++ = record[0];
      image = std::copy(record.begin() + 1, record.end(), image);
    }
  return {images, labels};
}

}  // namespace evenkeel::data
