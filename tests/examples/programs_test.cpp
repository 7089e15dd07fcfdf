/// The short programs of examples/: what they print must be so.

#include <evenkeel/tests/support/run_program.h>

#include <gtest/gtest.h>

#include <cmath>
#include <regex>
#include <sstream>

namespace evenkeel {
namespace {

using testing::run_program;

const std::filesystem::path examples = EVENKEEL_EXAMPLES_DIR;

/// The number behind the first `label` in the text.
double number_after(const std::string& text, const std::string& label) {
  const auto at = text.find(label);
  if (at != std::string::npos) return std::stod(text.substr(at + label.size()));
  ADD_FAILURE() << "no \"" << label << "\" in:\n" << text;
  return NAN;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST(XorExample, LearnsTheTable) {
  const auto xor_run = run_program(examples / "xor");
  EXPECT_EQ(xor_run.exit_code, 0) << xor_run.err;
  for (const auto* row : {"0 xor 0 = 0", "0 xor 1 = 1", "1 xor 0 = 1", "1 xor 1 = 0"})
    EXPECT_TRUE(contains(xor_run.out, row)) << xor_run.out;
  EXPECT_LT(number_after(xor_run.out, "step 200  loss "), 0.02);
  EXPECT_GT(number_after(xor_run.out, "step 0  loss "), 0.5);
}

TEST(NormTourExample, EveryNumberAgreesWithItsDocument) {
  const auto tour = run_program(examples / "norm_tour");
  EXPECT_EQ(tour.exit_code, 0) << tour.out << tour.err;
  for (const auto* document : {"mindspore_vs_torch_batchnorm2d", "mindspore_vs_torch_instancenorm2d",
                               "mindspore_vs_torch_groupnorm", "torch_groupnorm", "worked_example_groupnorm"})
    EXPECT_TRUE(contains(tour.out, std::string("== ") + document)) << document;

  int compared = 0;
  std::istringstream lines(tour.out);
  for (std::string line; std::getline(lines, line);) {
    const auto middle = line.find(" document ");
    if (!line.starts_with("  ours ") || middle == std::string::npos) continue;
    std::istringstream ours(line.substr(7, middle - 7)), document(line.substr(middle + 10));
    for (double a = 0, b = 0; document >> b; ++compared) {
      ASSERT_TRUE(ours >> a) << line;
      EXPECT_NEAR(a, b, 1e-4) << line;
    }
  }
  EXPECT_GE(compared, 200);
  EXPECT_TRUE(contains(tour.out, std::to_string(compared) + " numbers compared, largest difference "));
}

TEST(NormTourExample, PrintsTheDocumentsOwnDigits) {
  const auto tour = run_program(examples / "norm_tour");
  for (const auto* digits :
       {"-1.3411039 -0.4470343  0.4470353  1.3411050", "-1.3411034 -0.4470339  0.4470357  1.3411053",
        "-1.6199000 -0.6381000 -0.0491000 -1.0308000", "25.9375000", "5.0929000"})
    EXPECT_TRUE(contains(tour.out, digits)) << digits << "\n" << tour.out;
}

TEST(InspectGradientsExample, ShowsWhatItSays) {
  const auto run = run_program(examples / "inspect_gradients");
  EXPECT_EQ(run.exit_code, 0) << run.err;
  EXPECT_TRUE(contains(run.out, "shape [8, 4, 6, 6], norm "));
  EXPECT_GT(number_after(run.out, "shape [8, 4, 6, 6], norm "), 1e-3);
  EXPECT_NEAR(number_after(run.out, "the input's gradient is "), 0.5, 1e-5);
  EXPECT_TRUE(contains(run.out, "cross_entropy"));  // the tape
  EXPECT_TRUE(contains(run.out, "the net, input and all parameters: ok"));
  EXPECT_TRUE(contains(run.out, "half a gradient: wrong"));
  EXPECT_LT(number_after(run.out, "train: gradients of a channel sum up to "), 1e-4);
  EXPECT_GT(number_after(run.out, "eval : gradients of a channel sum up to "), 1);
  EXPECT_GT(number_after(run.out, "the outputs differ by up to "), 0.1);
  EXPECT_TRUE(contains(run.out, "without DetectAnomaly the loss is nan") ||
              contains(run.out, "without DetectAnomaly the loss is -nan"));
  EXPECT_TRUE(contains(run.out, "the output of log in module \"1.1\""));
}

TEST(InspectGradientsExample, GivesTheNormOfEveryParametersGradient) {
  const auto run = run_program(examples / "inspect_gradients");
  for (const auto* name : {"0.weight", "1.weight", "1.bias", "4.weight", "4.bias"}) {
    const std::regex row(std::string("\n") + name + " +([0-9.e+-]+) +([0-9.e+-]+)\n");
    std::smatch found;
    ASSERT_TRUE(std::regex_search(run.out, found, row)) << name << "\n" << run.out;
    EXPECT_GT(std::stod(found[1]), 1e-4) << name;
  }
  std::smatch bias;
  ASSERT_TRUE(std::regex_search(run.out, bias, std::regex("\n0.bias +([0-9.e+-]+) ")));
  EXPECT_LT(std::stod(bias[1]), 1e-5);  // the BatchNorm behind takes it away
}

}  // namespace
}  // namespace evenkeel
