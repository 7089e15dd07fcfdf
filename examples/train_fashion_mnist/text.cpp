#include <evenkeel/evenkeel.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <cmath>
#include <fstream>
#include <iomanip>
#include <sstream>

namespace ek = evenkeel;

namespace fashion {
namespace {

template <class... Parts>
std::string text_of(const Parts&... parts) {
  std::ostringstream text;
  (text << ... << parts);
  return text.str();
}

}  // namespace

std::string percent(double share) { return fixed(100 * share, 2) + " %"; }
std::string fixed(double number, int digits) {
  return text_of(std::fixed, std::setprecision(digits), number);
}
std::string brief(double number) { return text_of(std::setprecision(4), number); }

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  for (auto end = static_cast<std::ptrdiff_t>(digits.size()) - 3; end > (number < 0 ? 1 : 0); end -= 3)
    digits.insert(static_cast<std::size_t>(end), 1, ',');
  return digits;
}

std::string clock_time(double seconds) {
  const auto whole = std::llround(seconds);
  return text_of(whole / 60, ':', std::setw(2), std::setfill('0'), whole % 60);
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      case '\'':
        out += "&#39;";
        break;
      default:
        out += c;
    }
  return out;
}

void write_text(const std::filesystem::path& path, std::string_view text) {
  std::ofstream file(path, std::ios::binary);
  file << text << std::flush;
  ek::check<ek::FileError>(file.good(), "cannot write ", path);
}

}  // namespace fashion
