#include <evenkeel/data/cifar.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/temp_folder.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <vector>

namespace evenkeel::data {
namespace {

using testing::expect_error;
using testing::TempFolder;
using testing::write_bytes;

/// A label, and planes of red, green and blue in which every byte is the plane's number more than `first`.
std::string record(int label, int first) {
  std::string bytes(1, static_cast<char>(label));
  for (int plane = 0; plane < 3; ++plane) bytes += std::string(1024, static_cast<char>(first + plane));
  return bytes;
}

void write_all(const TempFolder& folder) {
  for (int i = 1; i <= 5; ++i)
    write_bytes(folder / ("data_batch_" + std::to_string(i) + ".bin"),
                record(i, 10 * i) + record(9, 10 * i + 5));
  write_bytes(folder / "test_batch.bin", record(0, 200));
}

TEST(CIFAR10, ReadsAllBatchesInOrder) {
  const TempFolder folder;
  write_all(folder);
  const CIFAR10 train({.split = Split::train, .folder = folder.path()});
  EXPECT_EQ(train.images().shape(), Shape({10, 3, 32, 32}));
  const std::vector<std::int64_t> labels{1, 9, 2, 9, 3, 9, 4, 9, 5, 9};
  EXPECT_TRUE(std::ranges::equal(train.labels().data<std::int64_t>(), labels));
  const auto [inputs, targets] = train.gather(std::vector<std::int64_t>{4});
  EXPECT_EQ(inputs.shape(), Shape({1, 3, 32, 32}));
  EXPECT_EQ(inputs.data<float>()[0], 30 / 255.f);
  EXPECT_EQ(inputs.data<float>()[3 * 1024 - 1], 32 / 255.f);
  EXPECT_EQ(targets.data<std::int64_t>()[0], 3);
}

TEST(CIFAR10, ReadsTheTestSplitFromTheEnvironment) {
  const TempFolder folder;
  write_all(folder);
  ASSERT_EQ(setenv("EVENKEEL_DATA", folder.path().c_str(), 1), 0);
  EXPECT_EQ(CIFAR10({.split = Split::test}).size(), 1);
  EXPECT_EQ(CIFAR10({.split = Split::train, .limit = 3}).size(), 3);
  unsetenv("EVENKEEL_DATA");
  expect_error<ArgumentError>([] { CIFAR10({}); }, "CIFAR10: no folder was given");
}

TEST(CIFAR10, RefusesBrokenFiles) {
  const TempFolder folder;
  const auto refuses = [&](const std::string& bytes, const std::string& message) {
    write_bytes(folder / "test_batch.bin", bytes);
    expect_error<FileError>([&] { CIFAR10({.split = Split::test, .folder = folder.path()}); },
                            "CIFAR10: " + (folder / "test_batch.bin").string() + ": " + message);
  };
  refuses("", "has 0 bytes, expected records of 3073");
  refuses(record(0, 0).substr(1), "has 3072 bytes, expected records of 3073");
  refuses(record(0, 0) + "x", "has 3074 bytes, expected records of 3073");
  refuses(record(0, 0) + record(10, 0), "label 10 of record 1 is no class, expected [0, 10)");
  expect_error<FileError>([&] { CIFAR10({.folder = folder.path()}); },
                          "data_batch_1.bin: cannot open: No such file or directory");
}

}  // namespace
}  // namespace evenkeel::data
