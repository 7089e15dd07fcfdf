#include <evenkeel/examples/train_fashion_mnist/report.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <algorithm>
#include <ostream>

namespace fashion {
namespace {

constexpr std::size_t most_mistakes = 24;

std::string name_of(int label) {
  return std::string(ek::data::FashionMNIST::class_names.at(static_cast<std::size_t>(label)));
}

std::string base64(const std::string& bytes) {
  constexpr std::string_view digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    const auto byte = [&](std::size_t at) {
      return at < bytes.size() ? static_cast<unsigned char>(bytes[at]) : 0U;
    };
    const unsigned int three = byte(i) << 16 | byte(i + 1) << 8 | byte(i + 2);
    for (std::size_t j = 0; j < 4; ++j)
      text += i + j <= bytes.size() ? digits[three >> (18 - 6 * j) & 63] : '=';
  }
  return text;
}

/// A grey image as a BMP file (24 bits a pixel, rows from below), the simplest that browsers show.
std::string bitmap(std::span<const std::uint8_t> pixels, std::uint32_t height, std::uint32_t width) {
  const std::uint32_t row_bytes = (3 * width + 3) / 4 * 4, header_bytes = 54;
  std::string file = "BM";
  const auto put = [&](std::uint32_t value, int bytes) {
    for (int i = 0; i < bytes; ++i) file += static_cast<char>(value >> (8 * i) & 255);
  };
  put(header_bytes + height * row_bytes, 4), put(0, 4), put(header_bytes, 4);
  put(40, 4), put(width, 4), put(height, 4), put(1, 2), put(24, 2);
  for (int i = 0; i < 6; ++i) put(0, 4);
  for (std::uint32_t row = height; row-- > 0;) {
    for (std::uint32_t column = 0; column < width; ++column)
      file.append(3, static_cast<char>(pixels[row * width + column]));
    file.append(row_bytes - 3 * width, '\0');
  }
  return file;
}

}  // namespace

void write_mistakes(std::ostream& html, const Evaluation& test, const ek::data::ImageDataset& images) {
  html << "<section><h2>Misclassified images</h2>\n<p>The surest of "
       << grouped(static_cast<std::int64_t>(test.mistakes.size()))
       << " mistakes: what the network said, what the label says, and how sure it was.</p>\n"
       << "<div class=\"mistakes\">\n";
  const auto height = images.images().shape()[2], width = images.images().shape()[3];
  const auto pixels = images.images().data<std::uint8_t>();
  for (const auto& m : std::span(test.mistakes).first(std::min(most_mistakes, test.mistakes.size()))) {
    const auto own = pixels.subspan(static_cast<std::size_t>(m.index * height * width),
                                    static_cast<std::size_t>(height * width));
    html << "<figure><img alt=\"test image " << m.index << "\" src=\"data:image/bmp;base64,"
         << base64(bitmap(own, static_cast<std::uint32_t>(height), static_cast<std::uint32_t>(width)))
         << "\"><figcaption><b>" << name_of(m.guess) << "</b><br>is: " << name_of(m.truth) << "<br>"
         << fixed(100 * m.confidence, 1) << " % sure</figcaption></figure>\n";
  }
  html << "</div></section>\n";
}

}  // namespace fashion
