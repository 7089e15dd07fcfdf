"""The rows that are compared, each with the least ratio that is asked of it at 1 and at 2 threads."""

from dataclasses import dataclass

CHANNELS_LAST_SHARE = 0.8  # of the ratio of the same row with row-major input


@dataclass(frozen=True)
class Row:
    name: str
    spec: str  # in the words of rows/server.h
    ratio: float | None = None  # PyTorch's best time / ours, at least
    opponent: str = "python"  # or libtorch
    per_step: int = 1  # sums in a step, to show the time of one
    at_most: float | None = None  # seconds, for one of them


def words_of(spec):
    return dict(word.split("=") for word in spec.split())


def dims(*sizes):
    return ",".join(map(str, sizes))


def show(shape):
    return "(" + shape + ")"


LARGE, MIDDLE, SMALL, FLAT = dims(32, 64, 56, 56), dims(128, 16, 32, 32), dims(16, 256, 14, 14), dims(64, 512)


def in_both_orders(name, spec, ratio):
    """The row as it is, and with the input as it comes from a convolution."""
    yield Row(name, spec, ratio)
    if spec.split("shape=")[1].count(",") == 3:
        yield Row(name + ", channels-last", spec + " order=channels_last", round(CHANNELS_LAST_SHARE * ratio, 2))


def norm_rows():
    asked = {
        "BatchNorm, training": ("op=batch_norm", 1.6, 1.8, 1.2, 2.0),
        "BatchNorm, eval": ("op=batch_norm eval=1", 1.3, 1.8, 1.3, 2.0),
        "InstanceNorm": ("op=instance_norm", 1.5, 1.5, 1.2, None),
        "GroupNorm(8)": ("op=group_norm", 1.4, 1.4, 1.05, 3.0),
        "LayerNorm over all but N": ("op=layer_norm", 1.3, 1.7, 1.3, 1.5),
    }
    for name, (op, *ratios) in asked.items():
        for shape, ratio in zip((LARGE, MIDDLE, SMALL, FLAT), ratios):
            if ratio is not None:
                yield from in_both_orders(f"{name} {show(shape)}", f"{op} shape={shape}", ratio)


def conv_rows():
    def conv(ratio, n, c, h, w, out, kernel=3, stride=1, groups=1, what=""):
        shape = dims(n, c, h, w)
        what = what or f"{kernel}x{kernel}" + (f" stride {stride}" if stride > 1 else "")
        name = f"conv2d {what} {show(shape)}->{out}"
        spec = f"op=conv2d shape={shape} out={out} kernel={kernel} stride={stride} groups={groups}"
        yield Row(name, spec, ratio)
        yield Row(name + ", channels-last", spec + " order=channels_last")

    for n, c, size in ((32, 64, 56), (128, 16, 32), (128, 32, 16), (128, 64, 8)):
        yield from conv(2.0, n, c, size, size, c)
    for n, c, size in ((128, 16, 32), (128, 32, 16)):
        yield from conv(1.3, n, c, size, size, 32, stride=2)
    yield from conv(1.0, 128, 3, 32, 32, 16)
    yield from conv(1.1, 32, 64, 56, 56, 128, kernel=1)
    yield from conv(1.1, 32, 64, 56, 56, 64, groups=64, what="depthwise 3x3")
    for c, out in ((12, 20), (24, 40), (100, 100)):
        yield from conv(1.3, 32, c, 28, 28, out)


def other_op_rows():
    yield from in_both_orders(f"max_pool2d 2x2 {show(LARGE)}", f"op=max_pool2d shape={LARGE}", 1.2)
    for shape in (dims(128, 10), dims(4096, 1000)):
        yield Row(f"cross_entropy {show(shape)}", f"op=cross_entropy shape={shape}", 1.2)
    yield Row("linear (128,1568)->128", "op=linear shape=128,1568 out=128", 1.2)
    for op in ("relu", "add"):
        yield from in_both_orders(f"{op} {show(LARGE)}", f"op={op} shape={LARGE}", 1.0)
    for op in ("avg_pool2d", "sigmoid", "tanh", "silu", "gelu", "softplus"):
        yield Row(f"{op} {show(LARGE)}", f"op={op} shape={LARGE}")
    for op in ("softmax", "log_softmax"):
        yield Row(f"{op} {show(dims(4096, 1000))}", f"op={op} shape={dims(4096, 1000)}")


def net_rows():
    for norm, name in (("batch", "BatchNorm"), ("group", "GroupNorm(8)"), ("instance", "InstanceNorm")):
        yield Row(f"training step: ResNet-20, {name}, batch 128", f"net=resnet20 norm={norm} batch=128", 1.8)
    yield Row("training step: LeNet-BN, batch 128", "net=lenet batch=128", 2.0)
    yield Row("training step: LeNet-BN, batch 8", "net=lenet batch=8", 2.5)
    yield Row("training step: MLP 2-16-1, batch 4, against Python", "net=mlp batch=4", 15)
    yield Row("training step: MLP 2-16-1, batch 4, against LibTorch C++", "net=mlp batch=4", 5, "libtorch")
    yield Row("eval: ResNet-20, batch 128", "net=resnet20 batch=128 eval=1", 1.6)
    yield Row("eval: ResNet-20, batch 1", "net=resnet20 batch=1 eval=1", 2.5)


def scalar_rows():
    yield Row("a + b with history, scalars, against LibTorch C++", "scalar=add", None, "libtorch", 1000, 250e-9)
    yield Row("an add of a chain of 1,000, forward and backward, against LibTorch C++", "scalar=chain", None,
              "libtorch", 1000, 600e-9)


TABLES = {
    "Normalization": norm_rows,
    "Convolution": conv_rows,
    "Pooling, losses, linear, elementwise": other_op_rows,
    "Nets": net_rows,
    "Scalars": scalar_rows,
}
