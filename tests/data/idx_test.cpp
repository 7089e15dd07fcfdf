#include <evenkeel/data/idx.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/idx_files.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

namespace evenkeel::data {
namespace {

using testing::expect_error;
using testing::gzip;
using testing::idx_header;
using testing::TempFolder;
using testing::write_bytes;
using namespace std::string_literals;

std::string counting(std::size_t n) {
  std::string bytes(n, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

void expect_refused(const std::string& bytes, const std::string& message) {
  const TempFolder folder;
  write_bytes(folder / "file", bytes);
  expect_error<FileError>([&] { read_idx(folder / "file"); },
                          "read_idx: " + (folder / "file").string() + ": " + message);
}

TEST(Idx, ReadsPlainAndGzipAlike) {
  const TempFolder folder;
  const std::string header = idx_header({2, 3, 4}), values = counting(24), bytes = header + values;
  const std::string packings[] = {bytes, gzip(bytes),
                                  gzip(bytes.substr(0, 9)) + gzip("") + gzip(bytes.substr(9))};
  for (const auto& packed : packings) {
    write_bytes(folder / "file", packed);
    const Array array = read_idx(folder / "file");
    EXPECT_EQ(array.shape(), Shape({2, 3, 4}));
    EXPECT_TRUE(std::ranges::equal(array.bytes(), std::as_bytes(std::span(values))));
  }
}

TEST(Idx, ReadsEmptyDimensions) {
  const TempFolder folder;
  write_bytes(folder / "file", idx_header({0, 28, 28}));
  EXPECT_EQ(read_idx(folder / "file").shape(), Shape({0, 28, 28}));
}

TEST(Idx, RefusesWrongMagic) {
  expect_refused("PK\3\4", "is no IDX file: it begins with bytes 80 75, expected 0 0");
  expect_refused("\0\1\x08\1\0\0\0\0"s, "is no IDX file: it begins with bytes 0 1");
  expect_refused("\0\0\x0D\1\0\0\0\0"s, "holds 32-bit floats (IDX type 13), expected unsigned bytes (8)");
  expect_refused("\0\0\x07\1\0\0\0\0"s, "holds values of an unknown type (IDX type 7)");
  expect_refused("\0\0\x08\0"s, "has rank 0, expected 1 to 4");
  expect_refused(idx_header({1, 1, 1, 1, 1}) + "x", "has rank 5, expected 1 to 4");
}

TEST(Idx, RefusesTruncatedFiles) {
  const std::string bytes = idx_header({2, 3}) + counting(6);
  for (std::size_t size = 0; size < bytes.size(); ++size) expect_refused(bytes.substr(0, size), "");
  expect_refused("", "the data end 4 bytes early");
  expect_refused(bytes.substr(0, 7), "the data end 5 bytes early");
  expect_refused(bytes.substr(0, 17), "the data end 1 bytes early");
}

TEST(Idx, RefusesTrailingBytes) {
  const std::string bytes = idx_header({2}) + "ab";
  expect_refused(bytes + "c", "more data follow than its header announces");
  expect_refused(gzip(bytes + "c"), "more data follow than its header announces");
  expect_refused(gzip(bytes) + gzip("c"), "more data follow than its header announces");
  expect_refused(gzip(bytes) + "garbage", "what follows the gzip data is no gzip: incorrect header check");
  expect_refused(gzip(bytes) + '\0', "the gzip data end early");
}

TEST(Idx, RefusesDimensionsThatOverflow) {
  const std::uint32_t most = 0xFFFFFFFF;
  expect_refused(idx_header({most, most, most, most}), "has dimensions whose size overflows");
  expect_refused(idx_header({0, most, most}), "has dimensions whose size overflows");
}

TEST(Idx, RefusesSizesThatTheFileCannotHold) {
  expect_refused(idx_header({0xFFFFFFFF, 0x7FFF}) + "x",
                 "announces 140733193355265 values, more than a file");
  expect_refused(gzip(idx_header({0xFFFFFFFF, 0x7FFF}) + "x"),
                 "announces 140733193355265 values, more than a file");
  expect_refused(gzip(idx_header({0x1000}) + "x"), "the data end 4095 bytes early");
}

TEST(Idx, InflatesNoFurtherThanTheHeaderAllows) {
  const std::size_t before = memory_stats().in_use;
  std::size_t most = 0;
  const TempFolder folder;
  write_bytes(folder / "file", gzip(idx_header({10}) + std::string(std::size_t{1} << 26, '\0')));
  EXPECT_LT(std::filesystem::file_size(folder / "file"), std::size_t{1} << 17);
  expect_error<FileError>(
      [&] {
        read_idx(folder / "file");
        most = memory_stats().peak;
      },
      "more data follow than its header announces");
  EXPECT_EQ(memory_stats().in_use, before);
  EXPECT_LT(most, before + 1000);
}

TEST(Idx, RefusesBrokenGzip) {
  const std::string packed = gzip(idx_header({100}) + counting(100));
  for (std::size_t size = 3; size < packed.size(); ++size)
    expect_refused(packed.substr(0, size), "the gzip data end early");
  std::string crc = packed;
  crc[crc.size() - 8] = static_cast<char>(crc[crc.size() - 8] ^ 1);
  expect_refused(crc, "broken gzip data: incorrect data check");
  std::string length = packed;
  length.back() = 1;
  expect_refused(length, "broken gzip data: incorrect length check");
  std::string method = packed;
  method[2] = 7;
  expect_refused(method, "broken gzip data: unknown compression method");
}

TEST(Idx, SurvivesEveryBitFlip) {
  const TempFolder folder;
  const std::string packed = gzip(idx_header({4, 5}) + counting(20));
  int refused = 0, harmless = 0;
  for (std::size_t bit = 0; bit < packed.size() * 8; ++bit) {
    std::string flipped = packed;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    write_bytes(folder / "file", flipped);
    try {
      EXPECT_EQ(read_idx(folder / "file").shape(), Shape({4, 5})) << bit;
      ++harmless;  // the time stamp and its like in the gzip header
    } catch (const FileError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, harmless);
}

TEST(Idx, RefusesWhatIsNoFile) {
  const TempFolder folder;
  expect_error<FileError>([&] { read_idx(folder / "none"); }, "cannot open: No such file or directory");
  expect_error<FileError>([&] { read_idx(folder.path()); }, "is a folder, expected a regular file");
}

/// A pair of files in a folder of its own.
struct Pair {
  Pair(const std::string& image_bytes, const std::string& label_bytes) {
    write_bytes(folder / "images", image_bytes);
    write_bytes(folder / "labels", label_bytes);
  }
  IdxDataset dataset(std::int64_t classes = 10, std::optional<std::int64_t> limit = {}) const {
    return IdxDataset(
        {.images = folder / "images", .labels = folder / "labels", .classes = classes, .limit = limit});
  }

  TempFolder folder;
};

TEST(IdxDataset, GivesScaledImagesAndClasses) {
  const Pair pair(idx_header({3, 1, 2}) + "\0\xff\x33\x66\x01\x02"s, idx_header({3}) + "\1\0\11"s);
  const IdxDataset dataset = pair.dataset();
  EXPECT_EQ(dataset.size(), 3);
  EXPECT_EQ(dataset.images().shape(), Shape({3, 1, 1, 2}));
  const auto [inputs, targets] = dataset.gather(std::vector<std::int64_t>{2, 0, 2});
  EXPECT_EQ(inputs.shape(), Shape({3, 1, 1, 2}));
  const std::vector<float> scaled{1 / 255.f, 2 / 255.f, 0, 1, 1 / 255.f, 2 / 255.f};
  EXPECT_TRUE(std::ranges::equal(inputs.data<float>(), scaled));
  EXPECT_TRUE(std::ranges::equal(targets.data<std::int64_t>(), std::vector<std::int64_t>{9, 1, 9}));
  expect_error<ArgumentError>([&] { dataset.gather(std::vector<std::int64_t>{3}); },
                              "index 3 is outside [0, 3)");
  expect_error<ArgumentError>([&] { dataset.gather(std::vector<std::int64_t>{-1}); }, "index -1 is outside");
}

TEST(IdxDataset, TakesImagesWithChannels) {
  const Pair pair(idx_header({1, 2, 1, 3}) + counting(6), idx_header({1}) + "\0"s);
  EXPECT_EQ(pair.dataset().images().shape(), Shape({1, 2, 1, 3}));
}

TEST(IdxDataset, KeepsTheFirstOnes) {
  const Pair pair(idx_header({3, 1, 1}) + "abc", idx_header({3}) + "\1\2\3");
  EXPECT_EQ(pair.dataset(10, 2).size(), 2);
  EXPECT_EQ(pair.dataset(10, 2).labels().data<std::int64_t>()[1], 2);
  EXPECT_EQ(pair.dataset(10, 0).size(), 0);
  EXPECT_EQ(pair.dataset(10, 99).size(), 3);
  expect_error<ArgumentError>([&] { pair.dataset(10, -1); }, "IdxDataset: limit is -1, expected at least 0");
}

TEST(IdxDataset, RefusesPairsThatDoNotFit) {
  const std::string two_images = idx_header({2, 1, 1}) + "ab";
  const auto refuses = [](const std::string& images, const std::string& labels, std::int64_t classes,
                          const std::string& message) {
    const Pair pair(images, labels);
    expect_error<FileError>([&] { pair.dataset(classes); }, message);
  };
  refuses(two_images, idx_header({3}) + "\0\0\0"s, 10, "holds 2 images, but ");
  refuses(two_images, idx_header({2}) + "\0\12"s, 10,
          "labels: label 10 of sample 1 is no class, expected [0, 10)");
  refuses(two_images, idx_header({2}) + "\3\0"s, 3, "label 3 of sample 0 is no class, expected [0, 3)");
  refuses(two_images, two_images, 10, "labels: holds [2, 1, 1], expected labels [N]");
  refuses(idx_header({2}) + "ab", idx_header({2}) + "\0\0"s, 10,
          "images: holds [2], expected images [N, H, W]");
  expect_error<ArgumentError>([] { IdxDataset({.images = "x"}); }, "IdxDataset: no file of labels was given");
  expect_error<ArgumentError>([] { IdxDataset({.images = "x", .labels = "y", .classes = 0}); },
                              "classes is 0");
}

TEST(FashionMNIST, ReadsBothSplitsOfAFolder) {
  const TempFolder folder;
  testing::write_fashion_mnist(folder.path(), 30, 20);
  const FashionMNIST train({.split = Split::train, .folder = folder.path()});
  const FashionMNIST test({.split = Split::test, .folder = folder.path(), .limit = 7});
  EXPECT_EQ(train.size(), 30);
  EXPECT_EQ(test.size(), 7);
  EXPECT_EQ(train.images().shape(), Shape({30, 1, 28, 28}));
  EXPECT_EQ(train.labels().data<std::int64_t>()[13], 3);
  const std::string image = testing::bar_image(13);
  EXPECT_TRUE(
      std::ranges::equal(train.images().bytes().subspan(13 * 784, 784), std::as_bytes(std::span(image))));
}

TEST(FashionMNIST, TakesTheFolderOfTheOptionBeforeThatOfTheEnvironment) {
  const TempFolder one, two;
  testing::write_fashion_mnist(one.path(), 1, 1);
  testing::write_fashion_mnist(two.path(), 2, 2);
  ASSERT_EQ(setenv("EVENKEEL_DATA", one.path().c_str(), 1), 0);
  EXPECT_EQ(FashionMNIST({}).size(), 1);
  EXPECT_EQ(FashionMNIST({.folder = two.path()}).size(), 2);
  unsetenv("EVENKEEL_DATA");
}

TEST(FashionMNIST, SaysWhatIsMissing) {
  const TempFolder folder;
  expect_error<FileError>(
      [&] { FashionMNIST({.folder = folder.path()}); },
      "FashionMNIST: " + (folder / "train-images-idx3-ubyte").string() +
          "[.gz]: not found; install dataset-fashion-mnist, or name the folder by .folder");
}

TEST(FashionMNIST, ReadsTheRealOne) {
  const std::filesystem::path folder = "/usr/share/datasets/fashion-mnist";
  if (!std::filesystem::exists(folder)) GTEST_SKIP() << "Debian's dataset-fashion-mnist is not installed";
  const FashionMNIST test({.split = Split::test, .folder = folder});
  EXPECT_EQ(test.images().shape(), Shape({10'000, 1, 28, 28}));
  std::vector<int> of_class(10);
  for (const auto label : test.labels().data<std::int64_t>()) ++of_class[static_cast<std::size_t>(label)];
  EXPECT_EQ(of_class, std::vector<int>(10, 1000));
}

}  // namespace
}  // namespace evenkeel::data
