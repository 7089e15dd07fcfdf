#include <evenkeel/evenkeel.h>
#include <evenkeel/examples/train_fashion_mnist/options.h>

#include <CLI/CLI.hpp>

#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <iostream>

namespace ek = evenkeel;

namespace fashion {
namespace {

std::string check_lr(const std::string& text) {
  double lr = 0;
  const bool ok = CLI::detail::lexical_cast(text, lr) && std::isfinite(lr) && lr > 0;
  return ok ? "" : "expected a finite number above 0, got " + text;
}

/// CLI11 takes -1 and what is too large for the largest number.
std::string check_seed(const std::string& text) {
  std::uint64_t seed = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), seed);
  const bool ok = error == std::errc() && end == text.data() + text.size();
  return ok ? "" : "expected a whole number below 2^64, got " + text;
}

/// CLI11 may put line breaks into a message.
std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

Options read_options(int argc, const char* const* argv) {
  Options o;
  CLI::App app(
      "Trains a CNN on Fashion-MNIST by SGD with a one-cycle schedule and writes metrics.csv, "
      "model.safetensors, learning_curves.svg and report.html. Ctrl-C ends it after the current batch; it "
      "then tests and writes what it has. Exit codes: 0 done, 1 bad data, 2 bad options.");
  app.option_defaults()->always_capture_default()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  const CLI::Range positive(std::int64_t{1}, std::int64_t{1} << 31);
  app.add_option("--model", o.model, "Network")->check(CLI::IsMember({"lenet", "resnet20"}));
  app.add_option("--norm", o.norm, "Normalization after each convolution")
      ->check(CLI::IsMember({"batch", "instance", "group", "layer", "none"}));
  app.add_option("--dialect", o.dialect, "Whose rules and defaults the normalization follows")
      ->check(CLI::IsMember({"torch", "mindspore"}));
  app.add_option("--epochs", o.epochs, "Passes over the training images")->check(positive);
  app.add_option("--batch-size", o.batch_size, "Images in a step")->check(positive);
  app.add_option("--lr", o.lr, "Highest learning rate of the schedule")->check(check_lr);
  app.add_option("--threads", o.threads,
                 "Threads of the kernels, 0 for all cores; results do not depend on it")
      ->check(CLI::Range(0, 1024));
  app.add_option("--seed", o.seed, "Of initial weights, order of images and augmentation")->check(check_seed);
  app.add_option("--data", o.data, "Folder of the four IDX files (else EVENKEEL_DATA, else Debian's)");
  app.add_option("--limit", o.limit, "Use only the first images of the training and of the test split")
      ->check(positive);
  app.add_option("--out", o.out, "Folder for the results (else out/MODEL-NORM)");
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked_for_help) {
    throw Exit{app.exit(asked_for_help)};
  } catch (const CLI::ParseError& error) {
    std::cerr << "train_fashion_mnist: " << one_line(error.what()) << " (see --help)\n";
    throw Exit{2};
  }
  if (o.out.empty()) o.out = "out/" + o.model + "-" + o.norm;
  return o;
}

void check_writable(const std::filesystem::path& folder) {
  auto existing = std::filesystem::absolute(folder);
  while (!std::filesystem::exists(existing)) existing = existing.parent_path();
  ek::check<ek::FileError>(std::filesystem::is_directory(existing), "--out ", folder, ": ", existing,
                           " is no folder");
  ek::check<ek::FileError>(access(existing.c_str(), W_OK | X_OK) == 0, "--out ", folder,
                           ": no permission to write to ", existing);
}

}  // namespace fashion
