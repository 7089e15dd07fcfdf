#include <evenkeel/examples/train_fashion_mnist/curves.h>
#include <evenkeel/examples/train_fashion_mnist/report.h>
#include <evenkeel/examples/train_fashion_mnist/report_style.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <cmath>
#include <sstream>

namespace fashion {
namespace {

void write_fact(std::ostream& html, const std::string& value, std::string_view what) {
  html << "<div><b>" << escaped(value) << "</b><span>" << what << "</span></div>\n";
}

std::string command_line(const Options& o) {
  std::ostringstream text;
  text << "train_fashion_mnist --model " << o.model << " --norm " << o.norm << " --dialect " << o.dialect
       << " --epochs " << o.epochs << " --batch-size " << o.batch_size << " --lr " << o.lr << " --seed "
       << o.seed;
  if (o.limit) text << " --limit " << *o.limit;
  return text.str();
}

std::string build_line() {
  const auto build = ek::build_info();
  return "Evenkeel " + build.version + ", " + build.compiler + ", " + build.isa +
         ", threads: " + std::to_string(build.threads);
}

std::string subtitle(const Result& result) {
  const auto& o = result.options;
  std::ostringstream text;
  if (o.norm == "none")
    text << "No normalization.";
  else
    text << "Normalization: " << o.norm << ", by the rules of "
         << (o.dialect == "torch" ? "PyTorch" : "MindSpore") << '.';
  if (result.interrupted)
    text << " Stopped by Ctrl-C in epoch " << result.history.epochs.back().number << '.';
  return text.str();
}

void write_head(std::ostream& html, const Result& result, std::int64_t parameters) {
  const auto& o = result.options;
  const auto& epochs = result.history.epochs;
  double seconds = 0;
  for (const auto& epoch : epochs) seconds += epoch.seconds;
  const auto title = std::string(o.model == "lenet" ? "LeNet" : "ResNet-20") + " on Fashion-MNIST";
  html << "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
       << "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
       << "<title>" << title << "</title>\n<style>" << report_style << "</style>\n</head>\n"
       << "<body>\n<main>\n<h1>" << title << "</h1>\n<p>" << subtitle(result)
       << "</p>\n<div class=\"facts\">\n";
  write_fact(html, percent(result.test.accuracy), "test accuracy");
  write_fact(html, fixed(result.test.loss, 4), "test loss");
  write_fact(html, std::to_string(epochs.back().number) + " of " + std::to_string(o.epochs), "epochs");
  write_fact(html, grouped(parameters), "parameters");
  write_fact(html, clock_time(seconds), "training time");
  write_fact(html, grouped(std::llround(epochs.back().images_per_second)), "images/s");
  html << "</div>\n";
}

}  // namespace

void write_report(const std::filesystem::path& path, const Result& result, ek::Layer& net,
                  const ek::data::ImageDataset& images) {
  std::int64_t parameters = 0;
  for (const auto& parameter : net.parameters()) parameters += parameter.size();
  std::ostringstream html;
  write_head(html, result, parameters);
  html << R"(<section><h2>Learning curves</h2>
<p>Training figures are of the batches as they were met; the test set is met in evaluation mode after each epoch.</p>
)" << learning_curves_svg(result.history)
       << "</section>\n";
  write_confusion(html, result.test);
  write_mistakes(html, result.test, images);
  write_norms(html, net);
  html << "<section><h2>Network and settings</h2>\n<p><code>" << escaped(command_line(result.options))
       << "</code><br>" << escaped(build_line()) << "</p>\n<pre>" << escaped(net.summary({1, 1, 28, 28}))
       << "</pre></section>\n"
       << "</main>\n</body>\n</html>\n";
  write_text(path, html.str());
}

}  // namespace fashion
