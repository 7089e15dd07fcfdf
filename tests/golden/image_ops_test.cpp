#include <evenkeel/autograd/ops/conv.h>
#include <evenkeel/autograd/ops/linear.h>
#include <evenkeel/autograd/ops/matmul.h>
#include <evenkeel/autograd/ops/pool.h>
#include <evenkeel/tests/support/golden_op.h>

#include <gtest/gtest.h>

namespace evenkeel::testing {
namespace {

using Args = nlohmann::json;
using Inputs = GoldenInputs;

const Golden& ops() {
  static const Golden file("ops.safetensors");
  return file;
}
Size2 size(const Args& args, const std::string& key) { return {args[key][0], args[key][1]}; }

/// PyTorch's own float32 sums of products are up to 6e-7 of the largest element away from the exact ones.
constexpr Tolerance sums_of_products{1e-5, 1e-6, 1e-6};

TEST(GoldenOps, Products) {
  expect_golden(
      ops(), "matmul", [](const Args&, const Inputs& in) { return matmul(in["a"], in["b"]); },
      sums_of_products);
  expect_golden(
      ops(), "linear",
      [](const Args&, const Inputs& in) { return linear(in["x"], in["weight"], in["bias"]); },
      sums_of_products);
}

void expect_conv2d(DataFormat format, Conv2dAlgorithm algorithm) {
  const auto op = [=](const Args& args, const Inputs& in) {
    const Tensor x = format == DataFormat::NHWC ? nhwc_of_nchw(in["x"]) : in["x"];
    const Tensor y = conv2d(x, in["weight"], in["bias"],
                            {.stride = size(args, "stride"),
                             .padding = size(args, "padding"),
                             .dilation = size(args, "dilation"),
                             .groups = args["groups"],
                             .data_format = format,
                             .algorithm = algorithm});
    return format == DataFormat::NHWC ? nchw_of_nhwc(y) : y;
  };
  expect_golden(ops(), "conv2d", op, sums_of_products);
}
TEST(GoldenOps, Conv2d) { expect_conv2d(DataFormat::NCHW, Conv2dAlgorithm::direct); }
TEST(GoldenOps, Conv2dOfNhwc) { expect_conv2d(DataFormat::NHWC, Conv2dAlgorithm::direct); }
TEST(GoldenOps, Conv2dAccurate) { expect_conv2d(DataFormat::NCHW, Conv2dAlgorithm::accurate); }
TEST(GoldenOps, Conv2dAutomatic) { expect_conv2d(DataFormat::NCHW, Conv2dAlgorithm::automatic); }

TEST(GoldenOps, Pools) {
  expect_golden(ops(), "max_pool2d", [](const Args& args, const Inputs& in) {
    return max_pool2d(in["x"], {.kernel_size = size(args, "kernel_size"),
                                .stride = size(args, "stride"),
                                .padding = size(args, "padding"),
                                .dilation = size(args, "dilation"),
                                .ceil_mode = args["ceil_mode"]});
  });
  expect_golden(ops(), "avg_pool2d", [](const Args& args, const Inputs& in) {
    return avg_pool2d(in["x"], {.kernel_size = size(args, "kernel_size"),
                                .stride = size(args, "stride"),
                                .padding = size(args, "padding"),
                                .ceil_mode = args["ceil_mode"],
                                .count_include_pad = args["count_include_pad"]});
  });
  expect_golden(ops(), "adaptive_avg_pool2d", [](const Args& args, const Inputs& in) {
    return adaptive_avg_pool2d(in["x"], {.output_size = size(args, "output_size")});
  });
}

}  // namespace
}  // namespace evenkeel::testing
