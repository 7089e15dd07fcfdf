// Trains LeNet or a ResNet-20 on Fashion-MNIST, with any normalization, and reports how it went.

#include <evenkeel/evenkeel.h>
#include <evenkeel/examples/train_fashion_mnist/curves.h>
#include <evenkeel/examples/train_fashion_mnist/evaluation.h>
#include <evenkeel/examples/train_fashion_mnist/history.h>
#include <evenkeel/examples/train_fashion_mnist/interrupt.h>
#include <evenkeel/examples/train_fashion_mnist/models.h>
#include <evenkeel/examples/train_fashion_mnist/options.h>
#include <evenkeel/examples/train_fashion_mnist/progress_bar.h>
#include <evenkeel/examples/train_fashion_mnist/report.h>
#include <evenkeel/examples/train_fashion_mnist/text.h>

#include <algorithm>
#include <cmath>
#include <iostream>

namespace ek = evenkeel;

namespace fashion {
namespace {

constexpr std::int64_t stretches_per_epoch = 25;  // points of the training curves

/// Mean and standard deviation of all training pixels.
ek::data::Transform normalize() { return ek::data::normalize({0.2860}, {0.3530}); }

std::vector<ek::data::Transform> training_transforms(const Options& options) {
  if (options.model == "lenet") return {normalize()};
  return {ek::data::random_crop({.size = 28, .padding = 2}), ek::data::random_horizontal_flip(), normalize()};
}

/// Trains for one epoch, or until Ctrl-C.
Epoch train_epoch(std::int64_t number, ek::Layer& net, const ek::data::DataLoader& batches, ek::SGD& sgd,
                  ek::OneCycleLR& schedule, ProgressBar& bar, History& history) {
  const auto stretch = std::max<std::int64_t>(1, batches.size() / stretches_per_epoch);
  Mean loss_mean, accuracy_mean, stretch_loss, stretch_accuracy;
  std::int64_t step = 0;
  double learning_rate = 0;
  net.train();
  for (const auto& batch : batches) {
    const ek::Tensor scores = net(batch.inputs);
    const ek::Tensor loss = ek::cross_entropy(scores, batch.targets);
    sgd.zero_grad();
    loss.backward();
    learning_rate = sgd.groups()[0].lr;
    sgd.step();
    schedule.step();

    const auto images = batch.targets.size();
    const double accuracy = ek::accuracy(scores, batch.targets);
    ek::check(std::isfinite(loss.item()), "the loss is ", loss.item(), " in step ", step + 1, " of epoch ",
              number, "; try an --lr below ", learning_rate);
    for (auto* mean : {&loss_mean, &stretch_loss}) mean->add(loss.item(), images);
    for (auto* mean : {&accuracy_mean, &stretch_accuracy}) mean->add(accuracy, images);
    bar.update(loss_mean, accuracy_mean);
    if (++step % stretch == 0 || step == batches.size()) {
      const double end =
          static_cast<double>(number - 1) + static_cast<double>(step) / static_cast<double>(batches.size());
      history.stretches.push_back({end, learning_rate, stretch_loss.value(), stretch_accuracy.value()});
      stretch_loss = stretch_accuracy = Mean();
    }
    if (Interrupt::pressed()) break;
  }
  const double seconds = bar.seconds();
  return {.number = number,
          .learning_rate = learning_rate,
          .train_loss = loss_mean.value(),
          .train_accuracy = accuracy_mean.value(),
          .seconds = seconds,
          .images_per_second = static_cast<double>(loss_mean.samples()) / seconds};
}

void run(const Options& options) {
  ek::set_num_threads(options.threads);
  ek::manual_seed(options.seed);
  const ek::data::FashionMNIST train(
      {.split = ek::data::Split::train, .folder = options.data, .limit = options.limit});
  const ek::data::FashionMNIST test(
      {.split = ek::data::Split::test, .folder = options.data, .limit = options.limit});
  check_writable(options.out);

  ek::AnyLayer net = make_model(options.model, norm_maker(options.norm, options.dialect));
  const ek::data::DataLoader batches(train, {.batch_size = options.batch_size,
                                             .shuffle = true,
                                             .seed = options.seed,
                                             .transforms = training_transforms(options)});
  const auto [decayed, norms_and_biases] = ek::split_for_weight_decay(*net);
  ek::SGD sgd({{.parameters = decayed}, {.parameters = norms_and_biases, .weight_decay = 0}},
              {.lr = options.lr, .momentum = 0.9, .weight_decay = 5e-4, .nesterov = true});
  ek::OneCycleLR schedule(sgd, {.max_lr = options.lr, .total_steps = options.epochs * batches.size()});

  Result result{.options = options};
  Interrupt::watch();
  for (std::int64_t number = 1; number <= options.epochs; ++number) {
    ProgressBar bar(number, options.epochs, train.size());
    Epoch epoch = train_epoch(number, *net, batches, sgd, schedule, bar, result.history);
    result.test = evaluate(*net, test, normalize());
    epoch.test_loss = result.test.loss;
    epoch.test_accuracy = result.test.accuracy;
    result.history.epochs.push_back(epoch);
    bar.finish(epoch);
    if (Interrupt::pressed()) break;
  }
  result.interrupted = Interrupt::pressed();

  std::filesystem::create_directories(options.out);
  write_metrics(options.out / "metrics.csv", result.history);
  ek::save(*net, options.out / "model.safetensors");
  write_text(options.out / "learning_curves.svg", learning_curves_svg(result.history));
  write_report(options.out / "report.html", result, *net, test);
  std::cout << (result.interrupted ? "stopped by Ctrl-C\n" : "")
            << "test accuracy: " << percent(result.test.accuracy) << "\nreport: "
            << std::filesystem::absolute(options.out / "report.html").lexically_normal().string() << '\n';
}

}  // namespace
}  // namespace fashion

int main(int argc, char** argv) {
  try {
    fashion::run(fashion::read_options(argc, argv));
    return 0;
  } catch (const fashion::Exit& exit) {
    return exit.code;
  } catch (const std::exception& error) {
    std::cerr << "train_fashion_mnist: " << error.what() << '\n';
    return 1;
  }
}
