#include <evenkeel/examples/train_fashion_mnist/report.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <algorithm>
#include <cmath>
#include <ostream>

namespace fashion {
namespace {

/// One value for each channel: of parameters with more axes the means over those behind the first.
std::vector<double> channel_values(const ek::Array& values) {
  const ek::Tensor rows = ek::Tensor(values).to(ek::DType::float64).reshape({values.shape()[0], -1});
  return ek::mean(rows, {.axes = {1}}).to_vector();
}

/// A bar for each channel, up or down from zero, and the extremes.
void write_bars(std::ostream& html, const ek::Array& array) {
  constexpr double width = 180, height = 48;
  const auto values = channel_values(array);
  const auto [low, high] = std::ranges::minmax(values);
  const double bottom = std::min(low, 0.0), top = std::max({high, 0.0, bottom + 1e-30});
  const auto y = [=, scale = height / (top - bottom)](double value) {
    return fixed((top - value) * scale, 1);
  };
  const double step = width / static_cast<double>(values.size());
  html << "<td><svg viewBox=\"0 0 " << width << ' ' << height << "\"><title>";
  for (std::size_t i = 0; i < values.size(); ++i) html << i << ": " << brief(values[i]) << '\n';
  html << "</title><line x1=\"0\" x2=\"" << width << "\" y1=\"" << y(0) << "\" y2=\"" << y(0)
       << "\"/><path stroke-width=\"" << fixed(0.72 * step, 2) << "\" d=\"";
  for (std::size_t i = 0; i < values.size(); ++i)
    if (std::isfinite(values[i]))
      html << 'M' << fixed((static_cast<double>(i) + 0.5) * step, 2) << ' ' << y(0) << 'V' << y(values[i]);
  html << "\"/></svg><small>" << brief(low) << " to " << brief(high) << "</small></td>";
}

void write_layer(std::ostream& html, const std::string& path, const ek::Module& layer,
                 const ek::State& state) {
  html << "<tr><td><code>" << escaped(path) << "</code><br><small>" << escaped(layer.type_name())
       << "</small></td>";
  for (const auto* name : {"weight", "bias", "running_mean", "running_var"}) {
    const auto found = std::ranges::find(state, path + "." + name, &ek::State::value_type::first);
    if (found == state.end())
      html << "<td><small>none</small></td>";
    else
      write_bars(html, found->second);
  }
  html << "</tr>\n";
}

}  // namespace

void write_norms(std::ostream& html, const ek::Module& net) {
  auto layers = net.named_modules();
  std::erase_if(
      layers, [](const auto& named) { return named.second->type_name().find("Norm") == std::string::npos; });
  if (layers.empty()) return;
  html << R"(<section><h2>Normalization layers</h2>
<p>A bar for each channel, from zero; point at a chart for the numbers.</p>
<table class="norms">
<tr><th>layer</th><th>gamma</th><th>beta</th><th>running mean</th><th>running variance</th></tr>
)";
  const ek::State state = net.state();
  for (const auto& [path, layer] : layers) write_layer(html, path, *layer, state);
  html << "</table></section>\n";
}

}  // namespace fashion
