#pragma once
/// Internal: plain and gzip files as one stream of bytes.

#include <evenkeel/core/file.h>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

struct z_stream_s;

namespace evenkeel::data {

/// The bytes of a file, inflated where the file begins as gzip does (RFC 1952; several members are one text).
/// The caller says how much it wants and no more is ever inflated, whatever the file claims. Throws FileError
/// for gzip data that are broken, end early, or are followed by something else.
class ByteSource {
 public:
  ByteSource(std::string_view who, const std::filesystem::path& path);
  ~ByteSource();

  const std::string& label() const { return file_.label(); }
  /// No file of this size can hold more: deflate packs at most 1032 bytes into one.
  std::uint64_t most_bytes() const;
  /// Fills `to`; throws where the data end before that.
  void read_all(std::span<std::byte> to);
  /// Throws unless the data end here.
  void expect_end();

 private:
  struct EndInflate {
    void operator()(z_stream_s* stream) const;
  };
  std::size_t read(std::span<std::byte> to);
  std::size_t inflate_into(std::span<std::byte> to);
  bool refill();
  void begin_member();

  InputFile file_;
  std::vector<std::byte> compressed_;
  std::size_t first_ = 0, last_ = 0;  ///< of the bytes in compressed_ that are yet to be used
  std::unique_ptr<z_stream_s, EndInflate> inflater_;
  bool is_gzip_ = false;
  int members_ = 0;
};

}  // namespace evenkeel::data
