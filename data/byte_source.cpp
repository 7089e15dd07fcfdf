#include <evenkeel/core/check.h>
#include <evenkeel/data/byte_source.h>
#include <zlib.h>

#include <algorithm>

namespace evenkeel::data {

ByteSource::ByteSource(std::string_view who, const std::filesystem::path& path)
    : file_(who, path), compressed_(std::size_t{1} << 16) {
  last_ = file_.read(std::span(compressed_).first(2));
  is_gzip_ = last_ == 2 && compressed_[0] == std::byte{0x1f} && compressed_[1] == std::byte{0x8b};
  if (is_gzip_) begin_member();
}

ByteSource::~ByteSource() = default;

void ByteSource::EndInflate::operator()(z_stream_s* stream) const {
  inflateEnd(stream);
  delete stream;
}

std::uint64_t ByteSource::most_bytes() const { return is_gzip_ ? file_.size() * 1032 : file_.size(); }

void ByteSource::begin_member() {
  constexpr int largest_window_gzip_only = 15 + 16;
  auto stream = std::make_unique<z_stream_s>();
  check<FileError>(inflateInit2(stream.get(), largest_window_gzip_only) == Z_OK, label(),
                   "zlib has no memory");
  inflater_.reset(stream.release());
  ++members_;
}

/// Whether there are bytes to use.
bool ByteSource::refill() {
  if (first_ == last_) {
    first_ = 0;
    last_ = file_.read(compressed_);
  }
  return first_ < last_;
}

std::size_t ByteSource::inflate_into(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    if (!inflater_) {  // between two members
      if (!refill()) break;
      begin_member();
    }
    check<FileError>(refill(), label(), "the gzip data end early");
    z_stream_s& z = *inflater_;
    z.next_in = reinterpret_cast<Bytef*>(compressed_.data() + first_);
    z.avail_in = static_cast<uInt>(last_ - first_);
    z.next_out = reinterpret_cast<Bytef*>(to.data() + done);
    const std::size_t room = std::min(to.size() - done, std::size_t{1} << 30);
    z.avail_out = static_cast<uInt>(room);
    const int status = inflate(&z, Z_NO_FLUSH);
    first_ = last_ - z.avail_in;
    done += room - z.avail_out;
    check<FileError>(status == Z_OK || status == Z_STREAM_END || status == Z_BUF_ERROR, label(),
                     members_ > 1 ? "what follows the gzip data is no gzip: " : "broken gzip data: ",
                     z.msg != nullptr ? z.msg : "unusable header");
    if (status == Z_STREAM_END) inflater_.reset();
  }
  return done;
}

std::size_t ByteSource::read(std::span<std::byte> to) {
  if (is_gzip_) return inflate_into(to);
  const std::size_t kept = std::min(to.size(), last_ - first_);  // what was read to recognise the file
  std::copy_n(compressed_.begin() + static_cast<std::ptrdiff_t>(first_), kept, to.begin());
  first_ += kept;
  return kept + file_.read(to.subspan(kept));
}

void ByteSource::read_all(std::span<std::byte> to) {
  const std::size_t count = read(to);
  check<FileError>(count == to.size(), label(), "the data end ", to.size() - count, " bytes early");
}

void ByteSource::expect_end() {
  std::byte more{};
  check<FileError>(read(std::span(&more, 1)) == 0, label(), "more data follow than its header announces");
}

}  // namespace evenkeel::data
