#include <evenkeel/core/file.h>
#include <evenkeel/tests/support/expect_error.h>
#include <evenkeel/tests/support/temp_folder.h>

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <thread>
#include <vector>

namespace evenkeel {
namespace {

using testing::expect_error;
using testing::read_bytes;
using testing::TempFolder;
using testing::write_bytes;

void replace(const std::filesystem::path& path, std::string_view text) {
  const std::span<const std::byte> pieces[] = {std::as_bytes(std::span(text))};
  replace_file("save", path, pieces);
}
mode_t mode_of(const std::filesystem::path& path) {
  struct stat status {};
  EXPECT_EQ(stat(path.c_str(), &status), 0);
  return status.st_mode & 07777;
}

TEST(ReplaceFile, WritesAllPieces) {
  const TempFolder folder;
  const std::span<const std::byte> pieces[] = {
      std::as_bytes(std::span("ab", 2)), {}, std::as_bytes(std::span("c", 1))};
  replace_file("save", folder / "file", pieces);
  EXPECT_EQ(read_bytes(folder / "file"), "abc");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(ReplaceFile, ANewFileHasTheUmasksMode) {
  const TempFolder folder;
  const mode_t old = umask(027);
  replace(folder / "file", "x");
  umask(old);
  EXPECT_EQ(mode_of(folder / "file"), 0640u);
}

TEST(ReplaceFile, AReplacedFileKeepsItsMode) {
  const TempFolder folder;
  write_bytes(folder / "file", "old");
  chmod((folder / "file").c_str(), 0604);
  replace(folder / "file", "new");
  EXPECT_EQ(mode_of(folder / "file"), 0604u);
  EXPECT_EQ(read_bytes(folder / "file"), "new");
}

TEST(ReplaceFile, FollowsSymbolicLinks) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "there");
  std::filesystem::create_symlink("there/file", folder / "link");
  std::filesystem::create_symlink("loop", folder / "loop");
  replace(folder / "link", "1");  // it points to nothing yet
  replace(folder / "link", "2");
  EXPECT_TRUE(std::filesystem::is_symlink(folder / "link"));
  EXPECT_EQ(read_bytes(folder / "there/file"), "2");
  expect_error<FileError>([&] { replace(folder / "loop", "x"); }, "too many levels of symbolic links");
}

TEST(ReplaceFile, AReaderOfTheOldFileKeepsIt) {
  const TempFolder folder;
  write_bytes(folder / "file", "old");
  const int descriptor = open((folder / "file").c_str(), O_RDONLY);
  const void* const mapped = mmap(nullptr, 3, PROT_READ, MAP_SHARED, descriptor, 0);
  replace(folder / "file", "new and longer");
  EXPECT_EQ(std::string_view(static_cast<const char*>(mapped), 3), "old");
  munmap(const_cast<void*>(mapped), 3);
  close(descriptor);
  EXPECT_EQ(read_bytes(folder / "file"), "new and longer");
}

/// A device without a medium behind it, or where devices may not be made a socket.
void make_device_or_socket(const std::filesystem::path& path) {
  if (mknod(path.c_str(), S_IFCHR | 0600, makedev(1, 7)) == 0) return;  // as /dev/full
  ASSERT_EQ(mknod(path.c_str(), S_IFSOCK | 0600, 0), 0);
}

TEST(ReplaceFile, RefusesWhatIsNoFile) {
  const TempFolder folder;
  expect_error<FileError>([&] { replace(folder.path(), "x"); },
                          "save: " + folder.path().string() + ": is a folder, expected a regular file");
  make_device_or_socket(folder / "device");
  const auto type = std::filesystem::status(folder / "device").type();
  expect_error<FileError>([&] { replace(folder / "device", "x"); },
                          type == std::filesystem::file_type::character
                              ? "is a device, expected a regular file"
                              : "is a socket, expected a regular file");
  EXPECT_EQ(std::filesystem::status(folder / "device").type(), type);
  ASSERT_EQ(mkfifo((folder / "pipe").c_str(), 0600), 0);
  expect_error<FileError>([&] { replace(folder / "pipe", "x"); }, "is a pipe");
  expect_error<FileError>([&] { InputFile("load", folder / "pipe"); }, "is a pipe");
  expect_error<FileError>([&] { replace(folder / "none/file", "x"); }, "No such file or directory");
  EXPECT_EQ(folder.entries(), 2);
}

/// Runs `f` without root's rights, in a process of its own; true when it ended well.
template <class F>
bool ends_well_as_nobody(F f) {
  const pid_t child = fork();
  if (child == 0) {
    if (geteuid() == 0 && setuid(65534) != 0) _exit(2);
    f();
    _exit(::testing::Test::HasFailure() ? 1 : 0);
  }
  int status = 0;
  return waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

TEST(ReplaceFile, KeepsToPermissions) {
  const TempFolder folder;
  std::filesystem::create_directory(folder / "closed");
  std::filesystem::create_directory(folder / "open");
  write_bytes(folder / "open/read-only", "old");
  chmod((folder / "open/read-only").c_str(), 0444);
  chmod((folder / "open").c_str(), 0777);
  chmod((folder / "closed").c_str(), 0555);
  chmod(folder.path().c_str(), 0755);
  EXPECT_TRUE(ends_well_as_nobody([&] {
    expect_error<FileError>([&] { replace(folder / "closed/file", "x"); },
                            "cannot create a file in this folder: Permission denied");
    expect_error<FileError>([&] { replace(folder / "open/read-only", "x"); },
                            "cannot write: Permission denied");
  }));
  EXPECT_EQ(read_bytes(folder / "open/read-only"), "old");
  EXPECT_TRUE(std::filesystem::is_empty(folder / "closed"));
}

TEST(ReplaceFile, AFailedWriteLeavesTheOldFileAndNothingElse) {
  const TempFolder folder;
  write_bytes(folder / "file", "old");
  rlimit limit{};
  getrlimit(RLIMIT_FSIZE, &limit);
  const rlimit small{.rlim_cur = 1000, .rlim_max = limit.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  setrlimit(RLIMIT_FSIZE, &small);
  expect_error<FileError>([&] { replace(folder / "file", std::string(5000, 'x')); },
                          "save: " + (folder / "file").string() + ": cannot write: File too large");
  setrlimit(RLIMIT_FSIZE, &limit);
  std::signal(SIGXFSZ, handler);
  EXPECT_EQ(read_bytes(folder / "file"), "old");
  EXPECT_EQ(folder.entries(), 1);
}

TEST(ReplaceFile, ConcurrentWritersLeaveOneWholeFile) {
  const TempFolder folder;
  std::vector<std::thread> threads;
  for (char letter = 'a'; letter < 'e'; ++letter)
    threads.emplace_back([&, letter] { replace(folder / "file", std::string(10'000, letter)); });
  for (auto& thread : threads) thread.join();
  const std::string content = read_bytes(folder / "file");
  EXPECT_EQ(content, std::string(10'000, content[0]));
  EXPECT_EQ(folder.entries(), 1);
}

TEST(InputFile, SaysHowMuchIsMissing) {
  const TempFolder folder;
  write_bytes(folder / "file", "abc");
  InputFile file("load", folder / "file");
  EXPECT_EQ(file.size(), 3u);
  std::byte bytes[5];
  expect_error<FileError>([&] { file.read_all(bytes); },
                          "load: " + (folder / "file").string() + ": the file ends 2 bytes early");
}

TEST(InQuotes, EscapesAndShortens) {
  EXPECT_EQ(in_quotes("a\n\x7f"), "'a\\x0a\\x7f'");
  EXPECT_EQ(in_quotes(std::string(101, 'a')), "'" + std::string(100, 'a') + "...'");
}

}  // namespace
}  // namespace evenkeel
