#pragma once
/// Makes IDX and gzip files, and a small Fashion-MNIST whose classes can be learned.

#include <evenkeel/core/check.h>
#include <evenkeel/core/random.h>
#include <evenkeel/tests/support/temp_folder.h>
#include <zlib.h>

#include <cstdint>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

namespace evenkeel::testing {

/// The header of an IDX file of unsigned bytes.
inline std::string idx_header(const std::vector<std::uint32_t>& dims) {
  std::string bytes{'\0', '\0', '\x08', static_cast<char>(dims.size())};
  for (const auto dim : dims)
    for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(dim >> shift & 0xFF);
  return bytes;
}

/// One gzip member.
inline std::string gzip(std::string_view text) {
  z_stream z{};
  check(deflateInit2(&z, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY) == Z_OK,
        "gzip: no memory");
  std::string out(deflateBound(&z, static_cast<uLong>(text.size())), '\0');
  z.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  z.avail_in = static_cast<uInt>(text.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  const int status = deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  check(status == Z_STREAM_END, "gzip: the text does not fit");
  return out;
}

/// Image i of 28 x 28: noise, and a bright bar whose height tells its class, i % 10.
inline std::string bar_image(std::uint64_t i) {
  const Rng rng(i);
  std::string image(28 * 28, '\0');
  for (std::size_t pixel = 0; pixel < image.size(); ++pixel) {
    const std::uint64_t row = pixel / 28, bar = 2 + 2 * (i % 10) + i / 10 % 2;
    const bool bright = row == bar || row == bar + 1;
    image[pixel] = static_cast<char>(static_cast<int>(rng.uniform(pixel) * 64) + (bright ? 160 : 0));
  }
  return image;
}

/// The four files of a Fashion-MNIST of few images, gzip.
inline void write_fashion_mnist(const std::filesystem::path& folder, std::uint32_t train,
                                std::uint32_t test) {
  const auto write = [&](const std::string& prefix, std::uint32_t count, std::uint32_t first) {
    std::string images = idx_header({count, 28, 28}), labels = idx_header({count});
    for (std::uint32_t i = 0; i < count; ++i) {
      images += bar_image(first + i);
      labels += static_cast<char>((first + i) % 10);
    }
    write_bytes(folder / (prefix + "-images-idx3-ubyte.gz"), gzip(images));
    write_bytes(folder / (prefix + "-labels-idx1-ubyte.gz"), gzip(labels));
  };
  write("train", train, 0);
  write("t10k", test, train);
}

}  // namespace evenkeel::testing
