#pragma once
/// The nets that are measured, and that the tests of determinism train.

#include <evenkeel/evenkeel.h>

#include <functional>
#include <optional>
#include <utility>

namespace evenkeel::benchmarks {

/// Makes the normalization layer for so many channels.
using NormMaker = std::function<AnyLayer(std::int64_t channels)>;

inline Conv2d conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return Conv2d({.in_channels = in,
                 .out_channels = out,
                 .kernel_size = 3,
                 .stride = stride,
                 .padding = 1,
                 .bias = false});
}

/// Two convolutions and a way around them. Where the way changes size or channels it is a 1x1 convolution.
class ResidualBlock final : public Layer {
 public:
  ResidualBlock(std::int64_t in, std::int64_t out, std::int64_t stride, const NormMaker& norm)
      : conv1(conv3x3(in, out, stride)), norm1(norm(out)), conv2(conv3x3(out, out)), norm2(norm(out)) {
    if (in == out && stride == 1) return;
    shortcut.emplace()
        .append(Conv2d(
            {.in_channels = in, .out_channels = out, .kernel_size = 1, .stride = stride, .bias = false}))
        .append(norm(out));
  }
  void fields(FieldVisitor& f) override {
    f("conv1", conv1);
    f("norm1", norm1);
    f("conv2", conv2);
    f("norm2", norm2);
    f("shortcut", shortcut);
  }

  Conv2d conv1;
  AnyLayer norm1;
  Conv2d conv2;
  AnyLayer norm2;
  std::optional<Sequential> shortcut;

 protected:
  Tensor forward(const Tensor& x) override {
    Tensor h = norm2(conv2(relu(norm1(conv1(x)))));
    return relu(std::move(h) + (shortcut ? (*shortcut)(x) : x));
  }
};

/// ResNet-20 for images [3, H, W] of ten classes (He et al. 2016, section 4.2): three stages of three blocks.
class ResNet20 final : public Layer {
 public:
  explicit ResNet20(const NormMaker& norm) : norm0(norm(16)) {
    std::int64_t in = 16;
    for (const std::int64_t out : {16, 32, 64})
      for (int i = 0; i < 3; ++i) {
        blocks.append(ResidualBlock(in, out, in == out ? 1 : 2, norm));
        in = out;
      }
  }
  void fields(FieldVisitor& f) override {
    f("conv0", conv0);
    f("norm0", norm0);
    f("blocks", blocks);
    f("head", head);
  }

  Conv2d conv0 = conv3x3(3, 16);
  AnyLayer norm0;
  Sequential blocks;
  Linear head{{.in_features = 64, .out_features = 10}};

 protected:
  Tensor forward(const Tensor& x) override {
    const Tensor h = blocks(relu(norm0(conv0(x))));
    return head(flatten(adaptive_avg_pool2d(h, {.output_size = 1}), 1));
  }
};

/// LeNet-5 (LeCun et al. 1998) for images [1, 28, 28] of ten classes, wider and with BatchNorm and ReLU.
inline Sequential lenet() {
  const auto conv = [](std::int64_t in, std::int64_t out) {
    return Conv2d({.in_channels = in, .out_channels = out, .kernel_size = 5, .padding = 2, .bias = false});
  };
  return Sequential({conv(1, 16), BatchNorm2d({.num_features = 16}), ReLU(), MaxPool2d({.kernel_size = 2}),
                     conv(16, 32), BatchNorm2d({.num_features = 32}), ReLU(), MaxPool2d({.kernel_size = 2}),
                     Flatten(), Linear({.in_features = 32 * 7 * 7, .out_features = 128}), ReLU(),
                     Linear({.in_features = 128, .out_features = 10})});
}

/// Two layers for two numbers, enough for the exclusive or.
inline Sequential mlp() {
  return Sequential({Linear({.in_features = 2, .out_features = 16}), Tanh(),
                     Linear({.in_features = 16, .out_features = 1})});
}

/// The normalization layer called `kind`: batch, group (of 8) or instance.
inline NormMaker norm_maker(const std::string& kind) {
  if (kind == "batch")
    return [](std::int64_t channels) -> AnyLayer { return BatchNorm2d({.num_features = channels}); };
  if (kind == "group")
    return [](std::int64_t channels) -> AnyLayer {
      return GroupNorm({.num_groups = 8, .num_channels = channels});
    };
  check(kind == "instance", "norm_maker: expected batch, group or instance, got ", kind);
  return [](std::int64_t channels) -> AnyLayer {
    return InstanceNorm2d({.num_features = channels, .affine = true});
  };
}

}  // namespace evenkeel::benchmarks
