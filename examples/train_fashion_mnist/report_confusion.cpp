#include <evenkeel/examples/train_fashion_mnist/report.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <cmath>
#include <ostream>

namespace fashion {
namespace {

const auto& class_names = ek::data::FashionMNIST::class_names;

std::string shaded(std::string_view colour, double share) {
  return "background: rgba(var(--" + std::string(colour) + "), " + fixed(0.75 * std::sqrt(share), 3) + ")";
}

std::string share_of(std::int64_t part, std::int64_t whole) {
  return whole > 0 ? fixed(100 * static_cast<double>(part) / static_cast<double>(whole), 1) + " %" : "-";
}

}  // namespace

void write_confusion(std::ostream& html, const Evaluation& test) {
  html << R"(<section><h2>Confusion matrix</h2>
<p>Rows: what an image shows. Columns: what the network took it for.</p>
<table class="confusion">
<thead><tr><th></th>)";
  for (const auto name : class_names) html << "<th>" << name << "</th>";
  html << "<th>found</th></tr></thead>\n<tbody>";
  std::array<std::int64_t, classes> guessed{};
  for (std::size_t truth = 0; truth < classes; ++truth) {
    const auto& row = test.confusion[truth];
    std::int64_t total = 0;
    for (const auto count : row) total += count;
    html << "<tr><th>" << class_names[truth] << "</th>";
    for (std::size_t guess = 0; guess < classes; ++guess) {
      guessed[guess] += row[guess];
      const double share = total > 0 ? static_cast<double>(row[guess]) / static_cast<double>(total) : 0;
      html << "<td style=\"" << shaded(truth == guess ? "right" : "wrong", share) << "\">" << row[guess]
           << "</td>";
    }
    html << "<td>" << share_of(row[truth], total) << "</td></tr>\n";
  }
  html << "</tbody><tfoot><tr><th>right when said</th>";
  for (std::size_t guess = 0; guess < classes; ++guess)
    html << "<td>" << share_of(test.confusion[guess][guess], guessed[guess]) << "</td>";
  html << "<td></td></tr></tfoot></table></section>\n";
}

}  // namespace fashion
