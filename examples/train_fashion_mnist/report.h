#pragma once

#include <evenkeel/examples/train_fashion_mnist/evaluation.h>
#include <evenkeel/examples/train_fashion_mnist/history.h>
#include <evenkeel/examples/train_fashion_mnist/options.h>

#include <iosfwd>

namespace fashion {

/// What a run came to.
struct Result {
  Options options;
  History history = {};
  Evaluation test = {};
  bool interrupted = false;
};

/// One page that needs no other file: learning curves, confusion matrix, the surest mistakes, and what each
/// normalization layer has learned. `images` is what was tested.
void write_report(const std::filesystem::path& path, const Result& result, ek::Layer& net,
                  const ek::data::ImageDataset& images);

// Its parts, each a section.
void write_confusion(std::ostream& html, const Evaluation& test);
void write_mistakes(std::ostream& html, const Evaluation& test, const ek::data::ImageDataset& images);
/// Reads parameters and buffers by their names, so that every layer whose class ends in Norm, Norm2d...
/// shows.
void write_norms(std::ostream& html, const ek::Module& net);

}  // namespace fashion
