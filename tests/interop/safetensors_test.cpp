#include <evenkeel/interop/safetensors.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/temp_folder.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <cstring>
#include <thread>
#include <vector>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::read_bytes;
using testing::TempFolder;
using testing::write_bytes;
using namespace std::string_literals;

Safetensors parse(std::string_view bytes) { return parse_safetensors(std::as_bytes(std::span(bytes))); }

std::string length_field(std::uint64_t length) {
  std::string bytes(8, '\0');
  std::memcpy(bytes.data(), &length, 8);
  return bytes;
}
std::string file_of(const std::string& header, const std::string& payload = "") {
  return length_field(header.size()) + header + payload;
}
void expect_refused(const std::string& bytes, const std::string& message) {
  expect_error<FileError>([&] { parse(bytes); }, "parse_safetensors: " + message);
  const TempFolder folder;
  write_bytes(folder / "bad.safetensors", bytes);
  expect_error<FileError>([&] { read_safetensors(folder / "bad.safetensors"); },
                          "read_safetensors: " + (folder / "bad.safetensors").string() + ": " + message);
}
void expect_same(const Array& a, const Array& b) {
  EXPECT_EQ(a.shape(), b.shape());
  EXPECT_EQ(a.dtype(), b.dtype());
  EXPECT_TRUE(std::ranges::equal(a.bytes(), b.bytes()));
}
Safetensors example() {
  return {{{"b", Array::from(std::vector<std::uint8_t>{1, 2, 3}, {3})},
           {"a.weight", Array::from(std::vector<float>{1.5f, -2}, {1, 2})},
           {"count", Array::from(std::vector<std::int64_t>{-7}, {})},
           {"none", Array(Shape{0, 3}, DType::float32)},
           {"x", Array::from(std::vector<double>{0.1, 0.2}, {2})}},
          {{"format", "pt"}, {"note", "\"\\\n\xC3\xA9"}}};
}

// What the reference implementation refuses, byte for byte as in its tests.

TEST(Safetensors, RefusesFilesTooShortForALength) {
  expect_refused("", "the file has 0 bytes, too few");
  expect_refused("\0\0\0\0\0\0\0"s, "the file has 7 bytes, too few");
}

TEST(Safetensors, RefusesHeaderLengthBeyondTheFile) {
  expect_refused("<\0\0\0\0\0\0\0"s, "the header claims 60 bytes, but only 0 follow");
}

TEST(Safetensors, RefusesHeaderLengthBeyondTheLimit) {
  expect_refused("<\0\0\0\0\xff\xff\xff"s,
                 "the header claims 18446742974197923900 bytes, expected at most 100000000");
  expect_refused(length_field(100'000'001), "the header claims 100000001 bytes, expected at most 100000000");
  expect_refused(length_field(~0ull), "the header claims 18446744073709551615 bytes");
}

TEST(Safetensors, RefusesHeaderThatIsNotUtf8) {
  expect_refused("\1\0\0\0\0\0\0\0\xff"s, "the header is no JSON object: it does not begin with {");
  expect_refused(file_of("{\"\xff\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
                 "the header is not UTF-8 JSON: error at its byte 3");
  expect_refused(file_of("{\"__metadata__\":{\"a\":\"\xC0\x80\"}}"), "the header is not UTF-8 JSON");
  expect_refused(file_of("\xEF\xBB\xBF{}"), "the header is no JSON object");
}

TEST(Safetensors, RefusesHeaderThatIsNotJson) {
  expect_refused("\1\0\0\0\0\0\0\0{"s, "the header is not UTF-8 JSON: error at its byte");
  expect_refused(file_of(""), "the header is no JSON object");
  expect_refused(file_of("[]"), "the header is no JSON object");
  expect_refused(file_of("{}{}"), "the header is not UTF-8 JSON");
  expect_refused(file_of("{}\0 "s), "the header is not UTF-8 JSON: null byte");
  expect_refused(file_of("{}//"), "the header is not UTF-8 JSON");
  expect_refused(file_of("{" + std::string(100'000, '[')), "the header is not UTF-8 JSON");
  expect_refused(file_of("{\"a\":" + std::string(100'000, '[')),
                 "header entry 'a' is an array, expected an object");
}

TEST(Safetensors, RefusesSizeThatDoesNotFollowFromTheShape) {
  const auto file = [](const std::string& dtype) {
    return file_of("{\"test\":{\"dtype\":\"" + dtype + "\",\"shape\":[2,2],\"data_offsets\":[0,4]}}",
                   "\0\0\0\0"s);
  };
  expect_refused(file("F32"), "tensor 'test' of F32 [2, 2] needs 16 bytes, but its data_offsets span 4");
  expect_refused(file("I32"), "tensor 'test' has dtype 'I32'; expected F64, F32, I64 or U8");
}

TEST(Safetensors, RefusesSizeThatOverflows) {
  for (const std::string shape : {"[2,18446744073709551614]", "[2,9223372036854775807]",
                                  "[4194305,4194305,211106198978564]", "[65536,65536,65536,65536]"})
    expect_refused(file_of("{\"test\":{\"dtype\":\"F32\",\"shape\":" + shape + ",\"data_offsets\":[0,16]}}",
                           std::string(16, '\0')),
                   "tensor 'test' has a shape whose size overflows: [");
  expect_refused(
      file_of("{\"e\":{\"dtype\":\"U8\",\"shape\":[0,18446744073709551615],\"data_offsets\":[0,0]}}"),
      "tensor 'e' has a shape whose size overflows: [0, 18446744073709551615]");
}

TEST(Safetensors, RefusesTensorsThatShareBytes) {
  std::string header = "{";
  for (int i = 0; i < 10; ++i)
    header +=
        "\"weight_" + std::to_string(i) + "\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]},";
  header.back() = '}';
  expect_refused(file_of(header, std::string(16, '\0')),
                 "tensor 'weight_1' begins at byte 0 of the data, expected 16");
}

TEST(Safetensors, RefusesHoles) {
  expect_refused(file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[1,2]}}", "12"),
                 "tensor 'a' begins at byte 1 of the data, expected 0");
  expect_refused(file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                         "\"b\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[2,3]}}",
                         "123"),
                 "tensor 'b' begins at byte 2 of the data, expected 1");
}

TEST(Safetensors, RefusesDataThatDoesNotEndWithTheFile) {
  const std::string header = "{\"test\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";
  expect_refused(file_of(header, std::string(16, '\0') + "extra_bogus_data_for_polyglot_file"),
                 "the tensors take 16 bytes, but 50 follow the header");
  expect_refused(file_of(header, std::string(14, '\0')),
                 "the tensors take 16 bytes, but 14 follow the header");
  expect_refused(
      file_of("{\"t\":{\"dtype\":\"F32\",\"shape\":[1024,1024],\"data_offsets\":[0,4194304]}}", "1"),
      "the tensors take 4194304 bytes, but 1 follow the header");
  expect_refused(file_of("{}", "x"), "the tensors take 0 bytes, but 1 follow the header");
}

TEST(Safetensors, RefusesOffsetsThatAreNone) {
  const auto file = [](const std::string& offsets) {
    return file_of("{\"t\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":" + offsets + "}}", "x");
  };
  expect_refused(file("[1,0]"), "tensor 't' has data_offsets [1, 0] that end before they begin");
  expect_refused(file("[0]"), "tensor 't' has data_offsets [0], expected two numbers");
  expect_refused(file("[0,1,2]"), "tensor 't' has data_offsets of more than two numbers");
  expect_refused(file("[-1,0]"), "tensor 't' has a negative number in data_offsets");
  expect_refused(file("[0,1.0]"), "tensor 't' has a number that is no 64-bit integer in data_offsets");
  expect_refused(file("[0,18446744073709551616]"), "tensor 't' has a number that is no 64-bit integer");
  expect_refused(file("[0,\"1\"]"),
                 "tensor 't' has a string in data_offsets, expected an array of whole numbers");
  expect_refused(file("[[0,1]]"), "tensor 't' has an array in data_offsets");
  expect_refused(file("1"), "tensor 't' has a number in data_offsets, expected an array");
  expect_refused(file("null"), "tensor 't' has null in data_offsets");
}

TEST(Safetensors, RefusesEntriesThatAreNoTensors) {
  const auto file = [](const std::string& entry) { return file_of("{\"t\":" + entry + "}", "x"); };
  expect_refused(file("1"), "header entry 't' is a number, expected an object");
  expect_refused(file("{}"), "tensor 't' lacks dtype");
  expect_refused(file("{\"dtype\":\"U8\",\"data_offsets\":[0,1]}"), "tensor 't' lacks shape");
  expect_refused(file("{\"dtype\":\"U8\",\"shape\":[1]}"), "tensor 't' lacks data_offsets");
  expect_refused(file("{\"dtype\":1}"), "tensor 't' has a number in dtype, expected a string");
  expect_refused(file("{\"dtype\":{}}"), "tensor 't' has an object in dtype");
  expect_refused(file("{\"dtype\":true}"), "tensor 't' has a boolean in dtype");
  expect_refused(file("{\"strides\":[1]}"), "tensor 't' has an unknown field 'strides'");
  expect_refused(file("{\"shape\":[1,1,1,1,1,1,1,1,1]}"), "tensor 't' has more than 8 axes");
  expect_refused(file("{\"dtype\":\"F128\",\"shape\":[1],\"data_offsets\":[0,1]}"),
                 "tensor 't' has dtype 'F128', which the format does not define");
  for (const std::string fp4_of : {"[1]", "[3]"})
    expect_refused(file("{\"dtype\":\"F4\",\"shape\":" + fp4_of + ",\"data_offsets\":[0,1]}"),
                   "tensor 't' has dtype 'F4'; expected F64, F32, I64 or U8");
}

TEST(Safetensors, RefusesDuplicates) {
  const std::string a = "\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}";
  expect_refused(file_of("{" + a + "," + a + "}", "x"), "the header lists 'a' twice");
  expect_refused(file_of("{\"__metadata__\":{},\"__metadata__\":{}}"),
                 "the header lists '__metadata__' twice");
  expect_refused(file_of("{\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}}"), "__metadata__ lists 'k' twice");
  expect_refused(file_of("{\"a\":{\"dtype\":\"U8\",\"dtype\":\"U8\"}}"), "tensor 'a' has dtype twice");
}

TEST(Safetensors, RefusesMetadataThatIsNoText) {
  expect_refused(file_of("{\"__metadata__\":{\"k\":1}}"), "__metadata__ 'k' is a number, expected a string");
  expect_refused(file_of("{\"__metadata__\":{\"k\":{}}}"),
                 "__metadata__ 'k' is an object, expected a string");
  expect_refused(file_of("{\"__metadata__\":[]}"),
                 "header entry '__metadata__' is an array, expected an object");
}

TEST(Safetensors, RefusesNullBytesInNames) {
  expect_refused(file_of("{\"a\\u0000b\":{\"dtype\":\"U8\",\"shape\":[0],\"data_offsets\":[0,0]}}"),
                 "tensor 'a\\x00b' has a null byte in its name");
}

TEST(Safetensors, ShortensHostileNamesInMessages) {
  const std::string name(1'000'000, 'n');
  expect_refused(file_of("{\"" + name + "\":1}"),
                 "header entry '" + std::string(100, 'n') + "...' is a number");
}

TEST(Safetensors, AcceptsWhitespaceAroundTheHeader) {
  EXPECT_TRUE(parse("\6\0\0\0\0\0\0\0{}    "s).tensors.empty());
  EXPECT_TRUE(parse(file_of("\t\r\n {} \t\r\n")).tensors.empty());
}

TEST(Safetensors, ReadsTensorsWithoutElements) {
  const auto one =
      parse("<\0\0\0\0\0\0\0{\"test\":{\"dtype\":\"F32\",\"shape\":[2,0],\"data_offsets\":[0, 0]}}"s);
  EXPECT_EQ(one.tensors[0].second.shape(), (Shape{2, 0}));
  const auto several =
      parse(file_of("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]},"
                    "\"b\":{\"dtype\":\"F64\",\"shape\":[0],\"data_offsets\":[1,1]},"
                    "\"c\":{\"dtype\":\"I64\",\"shape\":[0,3],\"data_offsets\":[0,0]}}",
                    "x"));
  EXPECT_EQ(several.tensors[2].second.shape(), (Shape{0, 3}));
}

TEST(Safetensors, ReadsManyEntries) {
  std::string header = "{";
  for (int i = 0; i < 20'000; ++i) {
    header += i > 0 ? ",\"" : "\"";
    header += std::to_string(i) + "\":{\"dtype\":\"F32\",\"shape\":[0],\"data_offsets\":[0,0]}";
  }
  EXPECT_EQ(parse(file_of(header + '}')).tensors.size(), 20'000u);
}

TEST(Safetensors, ReadsWhatTheReferenceWrites) {
  const auto content = parse(
      "\x60\0\0\0\0\0\0\0{\"__metadata__\":{\"framework\":\"pt\"},"
      "\"test\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}  "
      "\0\0\x80\x3f\0\0\0\x40\0\0\0\0\0\0\x80\xbf"s);
  ASSERT_EQ(content.tensors.size(), 1u);
  EXPECT_EQ(content.tensors[0].first, "test");
  EXPECT_EQ(content.metadata.at("framework"), "pt");
  expect_same(content.tensors[0].second, Array::from(std::vector<float>{1, 2, 0, -1}, {2, 2}));
}

TEST(Safetensors, ReadsInTheOrderOfTheHeader) {
  const auto content =
      parse(file_of("{\"second\":{\"data_offsets\":[1,2],\"shape\":[1],\"dtype\":\"U8\"},"
                    "\"first\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[0,1]}}",
                    "ab"));
  EXPECT_EQ(content.tensors[0].first, "second");
  EXPECT_EQ(content.tensors[0].second.data<std::uint8_t>()[0], 'b');
  EXPECT_EQ(content.tensors[1].second.data<std::uint8_t>()[0], 'a');
}

TEST(Safetensors, RoundTripKeepsOrderBytesAndMetadata) {
  const TempFolder folder;
  const Safetensors written = example();
  write_safetensors(folder / "a", written);
  const Safetensors read = read_safetensors(folder / "a");
  EXPECT_EQ(read.metadata, written.metadata);
  ASSERT_EQ(read.tensors.size(), written.tensors.size());
  for (std::size_t i = 0; i < read.tensors.size(); ++i) {
    EXPECT_EQ(read.tensors[i].first, written.tensors[i].first);
    expect_same(read.tensors[i].second, written.tensors[i].second);
  }
  write_safetensors(folder / "b", read);
  EXPECT_EQ(read_bytes(folder / "a"), read_bytes(folder / "b"));
  EXPECT_EQ(folder.entries(), 2);
}

TEST(Safetensors, WritesTheDocumentedBytes) {
  const TempFolder folder;
  write_safetensors(folder / "file", {{{"u", Array::from(std::vector<std::uint8_t>{7}, {})},
                                       {"d", Array::from(std::vector<double>{1}, {1, 1})},
                                       {"f", Array::from(std::vector<float>{1}, {1})}},
                                      {{"k", "v"}}});
  const std::string header =
      "{\"__metadata__\":{\"k\":\"v\"},\"u\":{\"dtype\":\"U8\",\"shape\":[],\"data_offsets\":[12,13]},"
      "\"d\":{\"dtype\":\"F64\",\"shape\":[1,1],\"data_offsets\":[0,8]},"
      "\"f\":{\"dtype\":\"F32\",\"shape\":[1],\"data_offsets\":[8,12]}}";
  const std::string padded = header + std::string((8 - header.size() % 8) % 8, ' ');
  EXPECT_EQ(read_bytes(folder / "file"), file_of(padded, "\0\0\0\0\0\0\xf0\x3f\0\0\x80\x3f\7"s));
}

TEST(Safetensors, ArraysOutliveTheirFile) {
  const TempFolder folder;
  write_safetensors(folder / "file", example());
  const Safetensors read = read_safetensors(folder / "file");
  write_safetensors(folder / "file", {{{"other", Array(Shape{64}, DType::float64)}}, {}});
  for (std::size_t i = 0; i < read.tensors.size(); ++i)
    expect_same(read.tensors[i].second, example().tensors[i].second);
}

TEST(Safetensors, RoundTripsEmptyContent) {
  const TempFolder folder;
  write_safetensors(folder / "file", {});
  EXPECT_EQ(read_bytes(folder / "file"), "\10\0\0\0\0\0\0\0{}      "s);
  EXPECT_TRUE(read_safetensors(folder / "file").tensors.empty());
}

TEST(Safetensors, KeepsEveryNanBit) {
  const TempFolder folder;
  const std::vector<std::uint64_t> bits{0x7FF0000000000001, 0xFFF8000000000123, 0x8000000000000000, 1};
  Array array(Shape{4}, DType::float64);
  std::memcpy(array.mutable_bytes().data(), bits.data(), 32);
  write_safetensors(folder / "file", {{{"x", array}}, {}});
  expect_same(read_safetensors(folder / "file").tensors[0].second, array);
}

TEST(Safetensors, WritesChannelsLastInLogicalOrder) {
  const TempFolder folder;
  const Array image = Array::from(std::vector<float>{0, 1, 2, 3, 4, 5, 6, 7}, {1, 2, 2, 2});
  write_safetensors(folder / "file", {{{"x", in_order(image, MemoryOrder::channels_last)}}, {}});
  expect_same(read_safetensors(folder / "file").tensors[0].second, image);
}

TEST(Safetensors, WriterRefusesWhatReadersWould) {
  const TempFolder folder;
  write_bytes(folder / "file", "old");
  const auto expect_unwritten = [&](const Safetensors& content, const std::string& message) {
    expect_error<FileError>([&] { write_safetensors(folder / "file", content); },
                            "write_safetensors: " + (folder / "file").string() + ": " + message);
  };
  const Array x(Shape{1}, DType::float32);
  expect_unwritten({{{"a", x}, {"a", x}}, {}}, "two tensors are called 'a'");
  expect_unwritten({{{"__metadata__", x}}, {}}, "no tensor can be called __metadata__");
  expect_unwritten({{{"a\0b"s, x}}, {}}, "tensor 'a\\x00b' has a null byte in its name");
  expect_unwritten({{{"\xff", x}}, {}}, "'\xff' is not UTF-8");
  expect_unwritten({{}, {{"k", "\xC0"}}}, "'\xC0' is not UTF-8");
  expect_unwritten({{{"a", Array()}}, {}}, "tensor 'a' is undefined");
  expect_unwritten({{}, {{"k", std::string(100'000'000, ' ')}}}, "the header would take 100000");
  EXPECT_EQ(read_bytes(folder / "file"), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(Safetensors, ReadRefusesWhatIsNoFile) {
  const TempFolder folder;
  expect_error<FileError>([&] { read_safetensors(folder / "none"); },
                          "cannot open: No such file or directory");
  expect_error<FileError>([&] { read_safetensors(folder.path()); }, "is a folder, expected a regular file");
  expect_error<FileError>([&] { read_safetensors("/dev/zero"); }, "is a device, expected a regular file");
}

TEST(Safetensors, RefusesEveryPrefix) {
  const TempFolder folder;
  write_safetensors(folder / "file", example());
  const std::string bytes = read_bytes(folder / "file");
  for (std::size_t size = 0; size < bytes.size(); ++size)
    EXPECT_THROW(parse(std::string_view(bytes).substr(0, size)), FileError) << size;
  for (const std::size_t size : {std::size_t{0}, std::size_t{9}, bytes.size() - 1}) {
    write_bytes(folder / "prefix", std::string_view(bytes).substr(0, size));
    EXPECT_THROW(read_safetensors(folder / "prefix"), FileError) << size;
  }
}

TEST(Safetensors, SurvivesEveryBitFlipOfTheHeader) {
  const TempFolder folder;
  write_safetensors(folder / "file", example());
  const std::string bytes = read_bytes(folder / "file");
  const std::size_t header_end = bytes.find('}', bytes.rfind("data_offsets")) + 2;
  int refused = 0, harmless = 0;
  for (std::size_t bit = 0; bit < header_end * 8; ++bit) {
    std::string flipped = bytes;
    flipped[bit / 8] = static_cast<char>(flipped[bit / 8] ^ (1 << bit % 8));
    try {
      std::size_t values = 0;
      for (const auto& [name, array] : parse(flipped).tensors) values += array.bytes().size();
      EXPECT_EQ(values, 3u + 8 + 8 + 16) << "bit " << bit;
      ++harmless;  // another letter of a name, or another shape of the same size
    } catch (const FileError&) {
      ++refused;
    }
  }
  EXPECT_GT(refused, harmless);
  EXPECT_GT(harmless, 0);
}

TEST(Safetensors, ReadsInManyThreads) {
  const TempFolder folder;
  write_safetensors(folder / "file", example());
  std::vector<std::thread> threads;
  std::atomic<int> same = 0;
  for (int i = 0; i < 4; ++i)
    threads.emplace_back([&] {
      const auto read = read_safetensors(folder / "file").tensors;
      same += std::ranges::equal(read.back().second.bytes(), example().tensors.back().second.bytes());
    });
  for (auto& thread : threads) thread.join();
  EXPECT_EQ(same, 4);
}

}  // namespace
}  // namespace evenkeel
