#pragma once

#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>

namespace fashion {

/// What the command line asks for.
struct Options {
  std::string model = "lenet";    ///< lenet or resnet20
  std::string norm = "batch";     ///< batch, instance, group, layer or none
  std::string dialect = "torch";  ///< torch or mindspore: whose rules the normalization follows
  std::int64_t epochs = 5, batch_size = 128;
  double lr = 0.1;  ///< the peak of the one-cycle schedule
  int threads = 0;  ///< 0: all cores
  std::uint64_t seed = 0;
  std::filesystem::path data;         ///< a folder; empty: see ek::data::FashionMNIST
  std::optional<std::int64_t> limit;  ///< use the first so many images of each split
  std::filesystem::path out;          ///< a folder; by default named after model and norm
};

/// The program shall end with this exit code: what is to be said was printed.
struct Exit {
  int code;
};

/// Reads the command line. Throws Exit after --help (0) and after one line on stderr for what is wrong (2).
Options read_options(int argc, const char* const* argv);

/// Throws ek::FileError unless `folder` is one that files can be written to, or can be made.
void check_writable(const std::filesystem::path& folder);

}  // namespace fashion
