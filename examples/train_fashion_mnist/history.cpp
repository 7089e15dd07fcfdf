#include <evenkeel/examples/train_fashion_mnist/history.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <limits>
#include <sstream>

namespace fashion {

void write_metrics(const std::filesystem::path& path, const History& history) {
  std::ostringstream csv;
  csv.precision(std::numeric_limits<double>::max_digits10);
  csv << "epoch,learning_rate,train_loss,train_accuracy,test_loss,test_accuracy,seconds,images_per_second\n";
  for (const auto& e : history.epochs)
    csv << e.number << ',' << e.learning_rate << ',' << e.train_loss << ',' << e.train_accuracy << ','
        << e.test_loss << ',' << e.test_accuracy << ',' << e.seconds << ',' << e.images_per_second << '\n';
  write_text(path, csv.str());
}

}  // namespace fashion
