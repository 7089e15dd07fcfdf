#pragma once
/// Runs a program and keeps what it printed.

#include <evenkeel/tests/support/temp_folder.h>

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <string>
#include <vector>

namespace evenkeel::testing {

/// A program under way. Its output goes to files, so that nothing can block it.
class Program {
 public:
  /// The environment is our own, with `settings` such as "A=1" before it. stdout is a terminal where
  /// `terminal` is one that was opened (its descriptor).
  Program(const std::filesystem::path& program, const std::vector<std::string>& arguments,
          const std::vector<std::string>& settings = {}, int terminal = -1) {
    std::vector<std::string> command{program.string()}, environment = settings;
    command.insert(command.end(), arguments.begin(), arguments.end());
    for (char** setting = environ; *setting; ++setting) environment.emplace_back(*setting);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    const int flags = O_CREAT | O_TRUNC | O_WRONLY;
    const auto out = (folder_ / "out").string(), err = (folder_ / "err").string();
    if (terminal >= 0)
      posix_spawn_file_actions_adddup2(&actions, terminal, STDOUT_FILENO);
    else
      posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, out.c_str(), flags, 0600);
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, err.c_str(), flags, 0600);
    const int status = posix_spawn(&id_, program.c_str(), &actions, nullptr, pointers(command).data(),
                                   pointers(environment).data());
    posix_spawn_file_actions_destroy(&actions);
    check(status == 0, "Program: cannot run ", program);
  }
  ~Program() {
    if (id_ <= 0) return;
    kill(id_, SIGKILL);
    waitpid(id_, nullptr, 0);
  }
  Program(const Program&) = delete;
  Program& operator=(const Program&) = delete;

  void send(int signal) const { kill(id_, signal); }
  /// Waits for the end and gives the exit code, or 128 and the signal that ended it.
  int wait() {
    int status = 0;
    waitpid(id_, &status, 0);
    id_ = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
  /// What it has printed up to now.
  std::string out() const { return read_bytes(folder_ / "out"); }
  std::string err() const { return read_bytes(folder_ / "err"); }

 private:
  static std::vector<char*> pointers(std::vector<std::string>& texts) {
    std::vector<char*> all;
    for (auto& text : texts) all.push_back(text.data());
    all.push_back(nullptr);
    return all;
  }

  TempFolder folder_;
  pid_t id_ = 0;
};

/// What a program that has ended left.
struct Outcome {
  int exit_code = -1;
  std::string out, err;
};
inline Outcome run_program(const std::filesystem::path& program,
                           const std::vector<std::string>& arguments = {},
                           const std::vector<std::string>& settings = {}) {
  Program running(program, arguments, settings);
  const int exit_code = running.wait();
  return {exit_code, running.out(), running.err()};
}

}  // namespace evenkeel::testing
