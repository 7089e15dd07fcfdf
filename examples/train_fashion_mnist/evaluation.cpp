#include <evenkeel/examples/train_fashion_mnist/evaluation.h>
#include <evenkeel/examples/train_fashion_mnist/history.h>

#include <algorithm>

namespace fashion {

Evaluation evaluate(ek::Layer& net, const ek::data::ImageDataset& images,
                    const ek::data::Transform& normalize) {
  const ek::NoGrad no_grad;
  net.eval();
  Evaluation result;
  Mean loss, correct;
  for (const auto& batch :
       ek::data::DataLoader(images, {.batch_size = 500, .seed = 0, .transforms = {normalize}})) {
    const ek::Tensor scores = net(batch.inputs);
    loss.add(ek::cross_entropy(scores, batch.targets).item(), scores.shape()[0]);
    correct.add(ek::accuracy(scores, batch.targets), scores.shape()[0]);

    const auto truths = batch.targets.to_vector<int>(), guesses = ek::argmax(scores, 1).to_vector<int>();
    const auto confidences = ek::max(ek::softmax(scores, 1), {.axes = {1}}).to_vector();
    for (std::size_t i = 0; i < truths.size(); ++i) {
      const auto truth = truths[i], guess = guesses[i];
      ++result.confusion.at(static_cast<std::size_t>(truth)).at(static_cast<std::size_t>(guess));
      if (truth != guess)
        result.mistakes.push_back(
            {.index = batch.indices[i], .truth = truth, .guess = guess, .confidence = confidences[i]});
    }
  }
  result.loss = loss.value();
  result.accuracy = correct.value();
  std::ranges::stable_sort(result.mistakes, std::greater(), &Mistake::confidence);
  return result;
}

}  // namespace fashion
