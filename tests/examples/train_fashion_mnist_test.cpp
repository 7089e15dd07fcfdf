/// examples/train_fashion_mnist in a small form: that it learns, and what it leaves behind.

#include <evenkeel/interop/safetensors.h>
#include <evenkeel/tests/support/idx_files.h>
#include <evenkeel/tests/support/run_program.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <sstream>

namespace evenkeel {
namespace {

using testing::Outcome;
using testing::read_bytes;

const std::filesystem::path program = std::filesystem::path(EVENKEEL_EXAMPLES_DIR) / "train_fashion_mnist";

std::size_t count_of(const std::string& text, const std::string& part) {
  std::size_t count = 0;
  for (auto at = text.find(part); at != std::string::npos; at = text.find(part, at + part.size())) ++count;
  return count;
}
bool contains(const std::string& text, const std::string& part) { return count_of(text, part) > 0; }

/// The columns of metrics.csv.
using Metrics = std::map<std::string, std::vector<std::string>>;
Metrics read_metrics(const std::filesystem::path& path) {
  Metrics columns;
  std::vector<std::string> names;
  std::istringstream lines(read_bytes(path));
  for (std::string line; std::getline(lines, line);) {
    std::istringstream cells(line);
    std::size_t column = 0;
    const bool is_head = names.empty();
    for (std::string cell; std::getline(cells, cell, ','); ++column)
      if (is_head)
        names.push_back(cell);
      else
        columns[names.at(column)].push_back(cell);
  }
  return columns;
}
double last(const Metrics& metrics, const std::string& column) {
  return std::stod(metrics.at(column).back());
}

class TrainFashionMnist : public ::testing::Test {
 protected:
  void SetUp() override {
    std::filesystem::create_directory(folder_ / "data");
    testing::write_fashion_mnist(folder_ / "data", 600, 200);
  }
  /// Trains on the generated images into the folder `out`.
  Outcome train(const std::string& out, std::vector<std::string> arguments) const {
    arguments.insert(arguments.end(),
                     {"--data", (folder_ / "data").string(), "--out", (folder_ / out).string()});
    return testing::run_program(program, arguments);
  }
  /// Expects one line on stderr with `part`, and nothing made.
  void expect_refused(const Outcome& run, int exit_code, const std::string& part) const {
    EXPECT_EQ(run.exit_code, exit_code) << run.err;
    EXPECT_EQ(count_of(run.err, "\n"), 1u) << run.err;
    EXPECT_TRUE(run.err.starts_with("train_fashion_mnist: ")) << run.err;
    EXPECT_TRUE(contains(run.err, part)) << run.err;
    EXPECT_EQ(run.out, "");
    EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
  }

  testing::TempFolder folder_;
};

TEST_F(TrainFashionMnist, LearnsFewImagesAndWritesEverything) {
  const auto run = train("deep/out", {"--epochs", "4", "--batch-size", "50"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(run.err, "");
  const auto out = folder_ / "deep/out";
  const auto metrics = read_metrics(out / "metrics.csv");
  EXPECT_EQ(metrics.at("epoch"), (std::vector<std::string>{"1", "2", "3", "4"}));
  EXPECT_GT(last(metrics, "test_accuracy"), 0.95);
  EXPECT_GT(last(metrics, "train_accuracy"), 0.9);
  EXPECT_LT(last(metrics, "test_loss"), 0.3);
  EXPECT_GT(last(metrics, "seconds"), 0);
  EXPECT_GT(last(metrics, "images_per_second"), 0);
  EXPECT_LT(last(metrics, "learning_rate"), 0.01);  // one cycle ends near 0

  const State state = read_safetensors(out / "model.safetensors").tensors;
  const auto running = std::ranges::find(state, "norm1.running_var", &State::value_type::first);
  ASSERT_NE(running, state.end());
  EXPECT_FALSE(std::ranges::all_of(running->second.data<float>(), [](float var) { return var == 1.f; }));
  EXPECT_TRUE(contains(read_bytes(out / "learning_curves.svg"), "<svg"));

  // No terminal: plain lines, the last two of which tell accuracy and report.
  EXPECT_FALSE(contains(run.out, "\r") || contains(run.out, "\x1b")) << run.out;
  EXPECT_EQ(count_of(run.out, "test accuracy "), 4u) << run.out;
  const auto end = run.out.rfind("test accuracy: ");
  ASSERT_NE(end, std::string::npos) << run.out;
  EXPECT_NEAR(std::stod(run.out.substr(end + 15)), 100 * last(metrics, "test_accuracy"), 0.006);
  EXPECT_TRUE(run.out.ends_with("\nreport: " + (out / "report.html").string() + "\n")) << run.out;
}

// scripts/train.sh puts its own options first.
TEST_F(TrainFashionMnist, TakesTheLastOfAnOptionGivenTwice) {
  const auto run = train("out", {"--model", "lenet", "--norm", "batch", "--norm", "group", "--epochs", "3",
                                 "--epochs", "1", "--limit", "100"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_EQ(count_of(run.out, "test accuracy "), 1u) << run.out;
  const State state = read_safetensors(folder_ / "out/model.safetensors").tensors;
  EXPECT_EQ(std::ranges::find(state, "norm1.running_var", &State::value_type::first), state.end());
}

TEST_F(TrainFashionMnist, ReportIsOneFileWithAllItsParts) {
  const auto run = train("out", {"--epochs", "1", "--limit", "200"});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  const auto html = read_bytes(folder_ / "out/report.html");
  EXPECT_TRUE(html.starts_with("<!DOCTYPE html>"));
  EXPECT_TRUE(html.ends_with("</html>\n"));
  for (const auto* part :
       {"<svg class=\"curves\"", "Loss", "Accuracy", "Learning rate", "Confusion matrix", "Ankle boot",
        "Misclassified images", "data:image/bmp;base64,", "Normalization layers", "gamma", "beta",
        "running mean", "running variance", "norm1", "norm2", "BatchNorm2d", "parameters"})
    EXPECT_TRUE(contains(html, part)) << part;
  // Nothing is fetched: the only address is the name space of SVG.
  EXPECT_EQ(count_of(html, "http"), count_of(html, "http://www.w3.org/2000/svg"));
  EXPECT_FALSE(contains(html, "<link") || contains(html, "<script") || contains(html, "src=\"/"));
  for (const auto* tag : {"section", "table", "svg", "figure", "div", "tr", "td", "g"}) {
    const std::string name(tag);
    EXPECT_EQ(count_of(html, "<" + name + ">") + count_of(html, "<" + name + " "),
              count_of(html, "</" + name + ">"))
        << tag;
  }
}

TEST_F(TrainFashionMnist, ConfusionMatrixCountsEveryTestImage) {
  ASSERT_EQ(train("out", {"--epochs", "1"}).exit_code, 0);
  const auto html = read_bytes(folder_ / "out/report.html");
  const auto table = html.substr(html.find("<table class=\"confusion\">"));
  std::int64_t sum = 0;
  std::size_t cells = 0;
  for (auto at = table.find("<td style="); at != std::string::npos;
       at = table.find("<td style=", at + 1), ++cells)
    sum += std::stoll(table.substr(table.find('>', at) + 1));
  EXPECT_EQ(cells, 100u);
  EXPECT_EQ(sum, 200);
}

TEST_F(TrainFashionMnist, ThreadsDoNotChangeTheMetrics) {
  const auto metrics_of = [&](const std::string& threads, const std::string& seed) {
    const auto out = threads + "-" + seed;
    const auto run = train(out, {"--model", "resnet20", "--epochs", "2", "--limit", "70", "--batch-size",
                                 "32", "--threads", threads, "--seed", seed});
    EXPECT_EQ(run.exit_code, 0) << run.err;
    auto metrics = read_metrics(folder_ / out / "metrics.csv");
    metrics.erase("seconds");
    metrics.erase("images_per_second");
    return metrics;
  };
  const auto one = metrics_of("1", "3");
  EXPECT_EQ(one.size(), 6u);
  EXPECT_EQ(one, metrics_of("2", "3"));
  EXPECT_NE(one, metrics_of("2", "4"));
}

TEST_F(TrainFashionMnist, EveryNormalizationInBothDialectsTrains) {
  for (const std::string norm : {"batch", "instance", "group", "layer", "none"})
    for (const std::string dialect : {"torch", "mindspore"}) {
      const auto out = norm + "-" + dialect;
      const auto run = train(out, {"--norm", norm, "--dialect", dialect, "--epochs", "2", "--batch-size",
                                   "20", "--limit", "400", "--lr", "0.03"});
      EXPECT_EQ(run.exit_code, 0) << out << run.err;
      const auto metrics = read_metrics(folder_ / out / "metrics.csv");
      EXPECT_GT(last(metrics, "test_accuracy"), 0.5) << out;
      const auto html = read_bytes(folder_ / out / "report.html");
      EXPECT_EQ(contains(html, "<code>norm1</code>"), norm != "none") << out;
    }
}

TEST_F(TrainFashionMnist, CtrlCEndsAfterTheBatchAndStillWrites) {
  testing::Program running(program, {"--epochs", "1000", "--data", (folder_ / "data").string(), "--out",
                                     (folder_ / "out").string()});
  for (int i = 0; i < 10'000 && !contains(running.out(), "epoch 1/1000: "); ++i) usleep(10'000);
  running.send(SIGINT);
  EXPECT_EQ(running.wait(), 0) << running.err();
  EXPECT_TRUE(contains(running.out(), "stopped by Ctrl-C\ntest accuracy: ")) << running.out();
  const auto metrics = read_metrics(folder_ / "out/metrics.csv");
  EXPECT_LT(metrics.at("epoch").size(), 1000u);
  EXPECT_TRUE(contains(read_bytes(folder_ / "out/report.html"), "Stopped by Ctrl-C"));
  EXPECT_FALSE(read_safetensors(folder_ / "out/model.safetensors").tensors.empty());
}

TEST_F(TrainFashionMnist, DrawsABarOnATerminal) {
  const int master = posix_openpt(O_RDWR | O_NOCTTY);
  ASSERT_GE(master, 0);
  ASSERT_EQ(grantpt(master) + unlockpt(master), 0);
  const int terminal = open(ptsname(master), O_RDWR | O_NOCTTY);
  testing::Program running(program,
                           {"--epochs", "2", "--batch-size", "8", "--data", (folder_ / "data").string(),
                            "--out", (folder_ / "out").string()},
                           {}, terminal);
  close(terminal);
  std::string seen;
  char piece[4096];
  for (ssize_t n; (n = read(master, piece, sizeof piece)) > 0;)
    seen.append(piece, static_cast<std::size_t>(n));
  close(master);
  EXPECT_EQ(running.wait(), 0);
  EXPECT_TRUE(contains(seen, "\repoch 1/2 [") || contains(seen, "\r\x1b[Kepoch 1/2 [")) << seen;
  for (const auto* part : {"=", "images/s  ETA ", "loss ", "accuracy "})
    EXPECT_TRUE(contains(seen, part)) << part;
}

TEST_F(TrainFashionMnist, RefusesWrongOptionsInOneLine) {
  const std::vector<std::pair<std::vector<std::string>, std::string>> cases{
      {{"--model", "vgg"}, "--model"},
      {{"--norm", "batchnorm"}, "--norm"},
      {{"--dialect", "jax"}, "--dialect"},
      {{"--epochs", "0"}, "--epochs"},
      {{"--epochs", "two"}, "--epochs"},
      {{"--batch-size", "-3"}, "--batch-size"},
      {{"--lr", "0"}, "--lr"},
      {{"--lr", "nan"}, "--lr"},
      {{"--lr", "1e999"}, "--lr"},
      {{"--threads", "-1"}, "--threads"},
      {{"--seed", "-1"}, "--seed"},
      {{"--seed", "99999999999999999999"}, "--seed"},
      {{"--limit", "0"}, "--limit"},
      {{"--epochs"}, "--epochs"},
      {{"--colour", "red"}, "--colour"},
      {{"more"}, "more"},
  };
  for (const auto& [arguments, part] : cases) expect_refused(train("out", arguments), 2, part);
}

TEST_F(TrainFashionMnist, RefusesBadDataInOneLine) {
  const auto refused = [&](const std::string& part) { expect_refused(train("out", {}), 1, part); };
  testing::write_bytes(folder_ / "data/t10k-labels-idx1-ubyte.gz", "nonsense");
  refused("t10k-labels-idx1-ubyte.gz");
  std::filesystem::remove_all(folder_ / "data");
  refused((folder_ / "data").string());
}

TEST_F(TrainFashionMnist, RefusesAPlaceItCannotWriteTo) {
  testing::write_bytes(folder_ / "file", "mine");
  const auto run = train("file/out", {});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(contains(run.err, "is no folder")) << run.err;
  EXPECT_EQ(run.out, "");
  EXPECT_EQ(read_bytes(folder_ / "file"), "mine");
}

TEST_F(TrainFashionMnist, LeavesNothingWhereTheLossIsNotFinite) {
  const auto run = train("out", {"--lr", "1e30", "--norm", "none"});
  EXPECT_EQ(run.exit_code, 1);
  EXPECT_TRUE(contains(run.err, "try an --lr below")) << run.err;
  EXPECT_EQ(count_of(run.err, "\n"), 1u) << run.err;
  EXPECT_FALSE(std::filesystem::exists(folder_ / "out"));
}

TEST_F(TrainFashionMnist, HelpListsTheOptions) {
  const auto help = testing::run_program(program, {"--help"});
  EXPECT_EQ(help.exit_code, 0);
  for (const auto* option : {"--model", "--norm", "--dialect", "--epochs", "--batch-size", "--lr",
                             "--threads", "--seed", "--data", "--limit", "--out"})
    EXPECT_TRUE(contains(help.out, option)) << option;
}

TEST_F(TrainFashionMnist, LearnsTheRealImages) {
  if (!std::filesystem::exists("/usr/share/datasets/fashion-mnist"))
    GTEST_SKIP() << "dataset-fashion-mnist is not installed";
  const auto run = testing::run_program(
      program,
      {"--limit", "3000", "--epochs", "3", "--batch-size", "64", "--out", (folder_ / "out").string()},
      {"EVENKEEL_DATA="});
  ASSERT_EQ(run.exit_code, 0) << run.err;
  EXPECT_GT(last(read_metrics(folder_ / "out/metrics.csv"), "test_accuracy"), 0.75) << run.out;
}

}  // namespace
}  // namespace evenkeel
