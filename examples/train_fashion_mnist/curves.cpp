#include <evenkeel/examples/train_fashion_mnist/curves.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <sstream>

namespace fashion {
namespace {

struct Point {
  double x, y;
};
struct Line {
  std::string name;
  std::string style;  ///< a class of the style sheet below
  std::vector<Point> points;
  bool has_dots = false;
};
struct Chart {
  std::string title;
  std::vector<Line> lines;
  std::string (*label)(double);  ///< of the vertical axis
  bool starts_outside =
      false;  ///< the first half epoch, which would flatten all that follows, may leave the frame
};
struct Range {
  double low = std::numeric_limits<double>::infinity(), high = -low;

  void include(double value) {
    if (!std::isfinite(value)) return;
    low = std::min(low, value);
    high = std::max(high, value);
  }
};

// In pixels. Each chart has a panel, in it a frame for the lines.
constexpr double panel_width = 360, panel_height = 270;
constexpr double frame_left = 58, frame_top = 56, frame_width = 286, frame_height = 170;

constexpr const char* style = R"(<style>
  .curves { font: 12px system-ui, sans-serif }
  .curves text { fill: #57606a }
  .curves .title { font-weight: 600; font-size: 14px; fill: #1f2328 }
  .curves .grid { stroke: #d8dee4 }
  .curves .train { stroke: #9bb7e8; fill: #9bb7e8 }
  .curves .test { stroke: #1f5fd0; fill: #1f5fd0 }
  .curves .rate { stroke: #c9641c; fill: #c9641c }
  .curves path { fill: none !important; stroke-width: 2; stroke-linejoin: round }
  @media (prefers-color-scheme: dark) {
    .curves text { fill: #9da7b3 }
    .curves .title { fill: #e6edf3 }
    .curves .grid { stroke: #30363d }
    .curves .train { stroke: #47618f; fill: #47618f }
    .curves .test { stroke: #6aa3ff; fill: #6aa3ff }
    .curves .rate { stroke: #f0a35e; fill: #f0a35e }
  }
</style>
)";

/// What a vertical axis spans.
Range span_of(const Chart& chart) {
  Range late, all;
  for (const auto& line : chart.lines)
    for (const auto& point : line.points) {
      all.include(point.y);
      if (point.x >= 0.5 || !chart.starts_outside) late.include(point.y);
    }
  Range span = std::isfinite(late.low) ? late : all;
  if (!std::isfinite(span.low)) span = {.low = 0, .high = 1};
  const double margin = std::max(0.04 * (span.high - span.low), 1e-9);
  return {.low = span.low - margin, .high = span.high + margin};
}

/// The step of 1, 2 or 5 times a power of ten that cuts `length` into at most `pieces`.
double tick_step(double length, int pieces) {
  const double power = std::pow(10, std::floor(std::log10(length / pieces)));
  for (const double factor : {1.0, 2.0, 5.0})
    if (length / (factor * power) <= pieces) return factor * power;
  return 10 * power;
}

/// In a frame of their own, which cuts off what leaves it.
void draw_lines(std::ostream& svg, const Chart& chart, double epochs, Range y) {
  const auto px = [=](double x) { return fixed(x / epochs * frame_width, 1); };
  const auto py = [=](double value) { return fixed((y.high - value) / (y.high - y.low) * frame_height, 1); };
  svg << "<svg x=\"" << frame_left << "\" y=\"" << frame_top << "\" width=\"" << frame_width << "\" height=\""
      << frame_height << "\">\n";
  for (const auto& line : chart.lines) {
    svg << "<path class=\"" << line.style << "\" d=\"";
    char command = 'M';
    for (const auto& p : line.points) {
      if (!std::isfinite(p.y)) continue;
      svg << command << px(p.x) << ' ' << py(p.y);
      command = 'L';
    }
    svg << "\"/>\n";
  }
  svg << "</svg>\n<g transform=\"translate(" << frame_left << ' ' << frame_top << ")\">\n";
  for (const auto& line : chart.lines)
    for (const auto& p : line.points)
      if (line.has_dots && p.y >= y.low && p.y <= y.high)
        svg << "<circle class=\"" << line.style << "\" cx=\"" << px(p.x) << "\" cy=\"" << py(p.y)
            << "\" r=\"3.5\"><title>" << line.name << ' ' << chart.label(p.y) << "</title></circle>\n";
  svg << "</g>\n";
}

void draw_axes(std::ostream& svg, const Chart& chart, double epochs, Range y) {
  const double y_step = tick_step(y.high - y.low, 5), x_step = std::max(1.0, tick_step(epochs, 10));
  for (double value = std::ceil(y.low / y_step) * y_step; value <= y.high + 1e-9; value += y_step) {
    const auto at = fixed(frame_top + (y.high - value) / (y.high - y.low) * frame_height, 1);
    svg << "<line class=\"grid\" x1=\"" << frame_left << "\" x2=\"" << frame_left + frame_width << "\" y1=\""
        << at << "\" y2=\"" << at << "\"/><text x=\"" << frame_left - 8 << "\" y=\"" << at
        << "\" text-anchor=\"end\" dominant-baseline=\"middle\">" << chart.label(value) << "</text>\n";
  }
  for (double epoch = 0; epoch <= epochs; epoch += x_step)
    svg << "<text x=\"" << fixed(frame_left + epoch / epochs * frame_width, 1) << "\" y=\""
        << frame_top + frame_height + 20 << "\" text-anchor=\"middle\">" << epoch << "</text>\n";
  svg << "<text x=\"" << frame_left + frame_width / 2 << "\" y=\"" << frame_top + frame_height + 38
      << "\" text-anchor=\"middle\">epoch</text>\n";
}

void draw_legend(std::ostream& svg, const Chart& chart) {
  double x = frame_left;
  for (const auto& line : chart.lines) {
    svg << "<rect class=\"" << line.style << "\" x=\"" << x
        << "\" y=\"38\" width=\"14\" height=\"3\" rx=\"1.5\"/><text x=\"" << x + 20 << "\" y=\"43\">"
        << line.name << "</text>\n";
    x += 100;
  }
}

std::string rate_label(double rate) { return brief(std::abs(rate) < 1e-12 ? 0 : rate); }
std::string loss_label(double loss) { return fixed(loss, 2); }
std::string accuracy_label(double accuracy) { return fixed(100 * accuracy, 1) + " %"; }

}  // namespace

std::string learning_curves_svg(const History& history) {
  Line train_loss{"training", "train", {}}, train_accuracy = train_loss, rate{"learning rate", "rate", {}};
  Line test_loss{"test", "test", {}, true}, test_accuracy = test_loss;
  double epochs = 1e-9;
  for (const auto& s : history.stretches) {
    epochs = std::max(epochs, s.end);
    train_loss.points.push_back({s.end, s.loss});
    train_accuracy.points.push_back({s.end, s.accuracy});
    rate.points.push_back({s.end, s.learning_rate});
  }
  for (const auto& e : history.epochs) {
    const double end = std::min(static_cast<double>(e.number), epochs);
    test_loss.points.push_back({end, e.test_loss});
    test_accuracy.points.push_back({end, e.test_accuracy});
  }
  const Chart charts[] = {{"Loss", {train_loss, test_loss}, loss_label, true},
                          {"Accuracy", {train_accuracy, test_accuracy}, accuracy_label, true},
                          {"Learning rate", {rate}, rate_label}};

  std::ostringstream svg;
  svg << "<svg class=\"curves\" xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 " << 3 * panel_width << ' '
      << panel_height << "\" role=\"img\" aria-label=\"Learning curves\">\n"
      << style;
  for (int i = 0; i < 3; ++i) {
    const Range y = span_of(charts[i]);
    svg << "<g transform=\"translate(" << i * panel_width << ")\"><text class=\"title\" x=\"" << frame_left
        << "\" y=\"20\">" << charts[i].title << "</text>\n";
    if (charts[i].lines.size() > 1) draw_legend(svg, charts[i]);
    draw_axes(svg, charts[i], epochs, y);
    draw_lines(svg, charts[i], epochs, y);
    svg << "</g>\n";
  }
  svg << "</svg>\n";
  return svg.str();
}

}  // namespace fashion
