#include <evenkeel/core/check.h>
#include <evenkeel/core/file.h>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <utility>

namespace evenkeel {
namespace {

std::string label_of(std::string_view who, const std::filesystem::path& path) {
  return std::string(who) + ": " + path.string() + ": ";
}

[[noreturn]] void fail_errno(std::string_view label, std::string_view what) {
  fail<FileError>(label, what, ": ", std::strerror(errno));
}

std::string kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "a folder";
  if (S_ISFIFO(mode)) return "a pipe";
  if (S_ISSOCK(mode)) return "a socket";
  return "a device";
}

void check_regular(std::string_view label, mode_t mode) {
  check<FileError>(S_ISREG(mode), label, "is ", kind_of(mode), ", expected a regular file");
}

/// Where a write through symbolic links ends up; the last of them may point to nothing yet.
std::filesystem::path resolved(const std::string& label, std::filesystem::path path) {
  std::error_code error;
  for (int links = 0; std::filesystem::is_symlink(path, error); ++links) {
    check<FileError>(links < 40, label, "too many levels of symbolic links");
    const auto target = std::filesystem::read_symlink(path, error);
    check<FileError>(!error, label, "cannot follow the symbolic link: ", error.message());
    path = path.parent_path() / target;
  }
  return path;
}

/// A file beside `target` that vanishes unless it takes the target's place.
class TemporaryFile {
 public:
  TemporaryFile(const std::string& label, const std::filesystem::path& target, mode_t mode) : label_(label) {
    static std::atomic<unsigned> count = 0;
    const std::string stem = '.' + target.filename().string().substr(0, 200) + '.';
    for (int attempt = 0; attempt < 1000 && descriptor_ < 0; ++attempt) {
      path_ =
          target.parent_path() / (stem + std::to_string(getpid()) + '-' + std::to_string(count++) + ".tmp");
      descriptor_ = open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode);
      if (descriptor_ < 0 && errno != EEXIST) break;
    }
    if (descriptor_ < 0) fail_errno(label_, "cannot create a file in this folder");
  }
  ~TemporaryFile() {
    if (descriptor_ >= 0) close(descriptor_);
    if (!path_.empty()) unlink(path_.c_str());
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;

  void give_mode(mode_t mode) {
    if (fchmod(descriptor_, mode) != 0) fail_errno(label_, "cannot keep the file's mode");
  }
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      const auto written = ::write(descriptor_, bytes.data(), std::min(bytes.size(), std::size_t{1} << 30));
      if (written < 0 && errno == EINTR) continue;
      if (written < 0) fail_errno(label_, "cannot write");
      check<FileError>(written > 0, label_, "cannot write: the system takes no more bytes");
      bytes = bytes.subspan(static_cast<std::size_t>(written));
    }
  }
  void become(const std::filesystem::path& target) {
    if (fsync(descriptor_) != 0) fail_errno(label_, "cannot bring the bytes to the disk");
    if (close(std::exchange(descriptor_, -1)) != 0) fail_errno(label_, "cannot close");
    if (rename(path_.c_str(), target.c_str()) != 0) fail_errno(label_, "cannot replace the old file");
    path_.clear();
  }

 private:
  std::string label_;
  std::filesystem::path path_;
  int descriptor_ = -1;
};

/// Makes a rename in the folder durable. File systems that cannot sync a folder say EINVAL.
void sync_folder(const std::string& label, const std::filesystem::path& folder) {
  const int descriptor = open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  const bool synced = descriptor >= 0 && (fsync(descriptor) == 0 || errno == EINVAL);
  const int reason = errno;
  if (descriptor >= 0) close(descriptor);
  errno = reason;
  if (!synced) fail_errno(label, "the new file is in place, but may not survive a power loss");
}

}  // namespace

std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 100;
  std::string out = "'";
  for (const char c : text.substr(0, longest)) {
    const auto code = static_cast<unsigned char>(c);
    if (code >= 0x20 && code != 0x7F)
      out += c;
    else
      (((out += "\\x") += "0123456789abcdef"[code >> 4])) += "0123456789abcdef"[code & 15];
  }
  return out += text.size() > longest ? "...'" : "'";
}

InputFile::InputFile(std::string_view who, const std::filesystem::path& path) : label_(label_of(who, path)) {
  // Without O_NONBLOCK, opening a pipe waits for its writer.
  descriptor_ = open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail_errno(label_, "cannot open");
  try {
    struct stat status {};
    if (fstat(descriptor_, &status) != 0) fail_errno(label_, "cannot open");
    check_regular(label_, status.st_mode);
    size_ = static_cast<std::uint64_t>(status.st_size);
  } catch (...) {
    close(descriptor_);
    throw;
  }
}

InputFile::~InputFile() { close(descriptor_); }

std::size_t InputFile::read(std::span<std::byte> to) {
  std::size_t done = 0;
  while (done < to.size()) {
    const auto count =
        ::read(descriptor_, to.data() + done, std::min(to.size() - done, std::size_t{1} << 30));
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) fail_errno(label_, "cannot read");
    if (count == 0) break;
    done += static_cast<std::size_t>(count);
  }
  return done;
}

void InputFile::read_all(std::span<std::byte> to) {
  const auto count = read(to);
  check<FileError>(count == to.size(), label_, "the file ends ", to.size() - count, " bytes early");
}

void replace_file(std::string_view who, const std::filesystem::path& path,
                  std::span<const std::span<const std::byte>> pieces) {
  const std::string label = label_of(who, path);
  const auto target = resolved(label, path);
  struct stat old {};
  const bool replaces = stat(target.c_str(), &old) == 0;
  if (!replaces && errno != ENOENT) fail_errno(label, "cannot write");
  if (replaces) {
    check_regular(label, old.st_mode);
    if (access(target.c_str(), W_OK) != 0) fail_errno(label, "cannot write");
  }
  constexpr mode_t until_written = 0600, by_umask = 0666, permissions = 07777;
  TemporaryFile file(label, target, replaces ? until_written : by_umask);
  if (replaces) file.give_mode(old.st_mode & permissions);
  for (const auto piece : pieces) file.write(piece);
  file.become(target);
  sync_folder(label, target.parent_path());
}

}  // namespace evenkeel
