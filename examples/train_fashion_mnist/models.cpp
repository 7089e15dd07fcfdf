#include <evenkeel/examples/train_fashion_mnist/models.h>

#include <utility>
#include <vector>

namespace fashion {
namespace {

constexpr std::int64_t groups = 4;  // of GroupNorm; they divide all channel counts below

ek::AnyLayer torch_norm(const std::string& kind, std::int64_t channels, std::int64_t size) {
  if (kind == "batch") return ek::BatchNorm2d({.num_features = channels});
  if (kind == "instance") return ek::InstanceNorm2d({.num_features = channels, .affine = true});
  if (kind == "group") return ek::GroupNorm({.num_groups = groups, .num_channels = channels});
  if (kind == "layer") return ek::LayerNorm({.normalized_shape = {channels, size, size}});
  return ek::Identity();
}

ek::AnyLayer mindspore_norm(const std::string& kind, std::int64_t channels, std::int64_t size) {
  if (kind == "batch") return ek::mindspore::batch_norm2d({.num_features = channels});
  if (kind == "instance") return ek::mindspore::instance_norm2d({.num_features = channels});
  if (kind == "group") return ek::mindspore::group_norm({.num_groups = groups, .num_channels = channels});
  if (kind == "layer")
    return ek::mindspore::layer_norm(
        {.normalized_shape = {channels, size, size}, .begin_norm_axis = 1, .begin_params_axis = 1});
  return ek::Identity();
}

ek::Conv2d conv3x3(std::int64_t in, std::int64_t out, std::int64_t stride = 1) {
  return ek::Conv2d({.in_channels = in,
                     .out_channels = out,
                     .kernel_size = 3,
                     .stride = stride,
                     .padding = 1,
                     .bias = false});
}

/// LeNet-5 (LeCun et al. 1998) as it is built today: wider, with normalization, ReLU and max pooling.
class LeNet final : public ek::Layer {
 public:
  explicit LeNet(const NormMaker& norm) : norm1(norm(16, 28)), norm2(norm(32, 14)) {}

  ek::Tensor forward(const ek::Tensor& x) override {
    ek::Tensor h = ek::max_pool2d(ek::relu(norm1(conv1(x))), {.kernel_size = 2});
    h = ek::max_pool2d(ek::relu(norm2(conv2(h))), {.kernel_size = 2});
    h = ek::relu(hidden1(ek::flatten(h, 1)));
    return head(ek::relu(hidden2(h)));
  }
  void fields(ek::FieldVisitor& f) override {
    f("conv1", conv1);
    f("norm1", norm1);
    f("conv2", conv2);
    f("norm2", norm2);
    f("hidden1", hidden1);
    f("hidden2", hidden2);
    f("head", head);
  }

  ek::Conv2d conv1{{.in_channels = 1, .out_channels = 16, .kernel_size = 5, .padding = 2, .bias = false}};
  ek::AnyLayer norm1;
  ek::Conv2d conv2{{.in_channels = 16, .out_channels = 32, .kernel_size = 5, .padding = 2, .bias = false}};
  ek::AnyLayer norm2;
  ek::Linear hidden1{{.in_features = 32 * 7 * 7, .out_features = 120}};
  ek::Linear hidden2{{.in_features = 120, .out_features = 84}};
  ek::Linear head{{.in_features = 84, .out_features = 10}};
};

/// Two convolutions and a way around them. Where the way changes size or channels it is a 1x1 convolution.
class Block final : public ek::Layer {
 public:
  Block(std::int64_t in, std::int64_t out, std::int64_t size, std::int64_t stride, const NormMaker& norm)
      : conv1(conv3x3(in, out, stride)),
        norm1(norm(out, size)),
        conv2(conv3x3(out, out)),
        norm2(norm(out, size)) {
    if (in == out && stride == 1) return;
    shortcut.emplace()
        .append(ek::Conv2d(
            {.in_channels = in, .out_channels = out, .kernel_size = 1, .stride = stride, .bias = false}))
        .append(norm(out, size));
  }

  ek::Tensor forward(const ek::Tensor& x) override {
    ek::Tensor h = norm2(conv2(ek::relu(norm1(conv1(x)))));
    return ek::relu(std::move(h) + (shortcut ? (*shortcut)(x) : x));
  }
  void fields(ek::FieldVisitor& f) override {
    f("conv1", conv1);
    f("norm1", norm1);
    f("conv2", conv2);
    f("norm2", norm2);
    f("shortcut", shortcut);
  }

  ek::Conv2d conv1;
  ek::AnyLayer norm1;
  ek::Conv2d conv2;
  ek::AnyLayer norm2;
  std::optional<ek::Sequential> shortcut;
};

/// ResNet-20 for small images (He et al. 2016, section 4.2): three stages of three blocks.
class ResNet20 final : public ek::Layer {
 public:
  explicit ResNet20(const NormMaker& norm) : norm0(norm(16, 28)) {
    std::int64_t in = 16;
    for (const auto& [out, size] : {std::pair{16, 28}, {32, 14}, {64, 7}})
      for (int i = 0; i < 3; ++i) {
        blocks.append(Block(in, out, size, in == out ? 1 : 2, norm));
        in = out;
      }
  }

  ek::Tensor forward(const ek::Tensor& x) override {
    const ek::Tensor h = blocks(ek::relu(norm0(conv0(x))));
    return head(ek::flatten(ek::adaptive_avg_pool2d(h, {.output_size = 1}), 1));
  }
  void fields(ek::FieldVisitor& f) override {
    f("conv0", conv0);
    f("norm0", norm0);
    f("blocks", blocks);
    f("head", head);
  }

  ek::Conv2d conv0 = conv3x3(1, 16);
  ek::AnyLayer norm0;
  ek::Sequential blocks;
  ek::Linear head{{.in_features = 64, .out_features = 10}};
};

}  // namespace

NormMaker norm_maker(const std::string& kind, const std::string& dialect) {
  return [=, make = dialect == "torch" ? torch_norm : mindspore_norm](
             std::int64_t channels, std::int64_t size) { return make(kind, channels, size); };
}

ek::AnyLayer make_model(const std::string& name, const NormMaker& norm) {
  if (name == "lenet") return LeNet(norm);
  return ResNet20(norm);
}

}  // namespace fashion
