#pragma once
/// Internal: reading files that are not trusted, and replacing files whole.

#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <span>
#include <string>
#include <string_view>

namespace evenkeel {

/// Text for an error message: quoted, control characters escaped, shortened when long, so that a name from an
/// untrusted file can neither flood nor garble it.
std::string in_quotes(std::string_view text);

/// A regular file opened for reading. Folders, pipes and devices are refused, for their size is unknown.
/// Every error is a FileError that starts with `who: path: `.
class InputFile {
 public:
  InputFile(std::string_view who, const std::filesystem::path& path);
  ~InputFile();
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  /// Bytes in the file when it was opened.
  std::uint64_t size() const { return size_; }
  /// As messages start: "who: path: ".
  const std::string& label() const { return label_; }
  /// Reads up to `to.size()` bytes; fewer only at the end of the file.
  std::size_t read(std::span<std::byte> to);
  /// Fills `to`; throws where the file ends before that.
  void read_all(std::span<std::byte> to);

 private:
  std::string label_;
  int descriptor_ = -1;
  std::uint64_t size_ = 0;
};

/// Writes a file so that at any moment, even if the process or the machine stops, its path names either the
/// whole old or the whole new content: a temporary file beside it is written, synced and renamed over it, and
/// the folder is synced. A replaced file keeps its mode, a new one gets the umask's; a symbolic link keeps
/// pointing where it did. On failure the old file stands and nothing is left behind. What exists and is no
/// regular file, or may not be written, is refused.
/// Throws FileError: `who: path: what failed: errno's text`.
void replace_file(std::string_view who, const std::filesystem::path& path,
                  std::span<const std::span<const std::byte>> pieces);

}  // namespace evenkeel
