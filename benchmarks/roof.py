"""The least time that the roofline allows for a row: each op's products at the peak of FMA or its tensors at the
speed of triad, whichever takes longer, one op after the other. Products are those of the definition, and memory is
the machine's main memory; so Winograd's convolution, and tensors that stay in a cache, may need less."""

import math

import torch
from torch import nn

import tensors
import torch_side
from table import words_of

BYTES = 4
# Passes over a tensor, forward and backward: read x, write y; read x (or y) and dy, write dx.
FORWARD, BACKWARD = 2, 3


def of_convolution(weight, inputs, outputs, trained):
    """Of convolution and linear layers: three products of the same size, each over two of x, y and the weight."""
    products = 3 if trained else 1
    return 2 * products * outputs * weight, BYTES * products * (inputs + outputs)


def elementwise(size, trained=True):
    return 0, BYTES * size * (FORWARD + (BACKWARD if trained else 0))


def work_of_op(words):
    shape = [int(n) for n in words["shape"].split(",")]
    size, op = math.prod(shape), words["op"]
    if op == "conv2d":
        kernel, stride, out = int(words["kernel"]), int(words.get("stride", 1)), int(words["out"])
        pixels = math.prod((n + kernel // 2 * 2 - kernel) // stride + 1 for n in shape[2:])
        weight = shape[1] // int(words.get("groups", 1)) * kernel**2
        return [of_convolution(weight, size, shape[0] * out * pixels, True)]
    if op == "linear":
        return [of_convolution(shape[1], size, shape[0] * int(words["out"]), True)]
    if op.endswith("pool2d"):
        return [(0, BYTES * 2.5 * size)]  # x, dx, and two of a quarter of their size
    if op in ("add", "cross_entropy"):
        return [(0, BYTES * 3 * size)]  # two read, one written; and x twice, dx once
    return [elementwise(size)]


def work_of_net(words, inputs):
    """By hooks on PyTorch's net."""
    net, trained, work = torch_side.make_net(words), "eval" not in words, []

    def count(module, given, result):
        size, out = given[0].numel(), result.numel()
        if isinstance(module, (nn.Conv2d, nn.Linear)):
            work.append(of_convolution(module.weight[0].numel(), size, out, trained))
        elif isinstance(module, torch_side.ResidualBlock):  # two ReLU and a sum
            work.extend([elementwise(out, trained)] * 2 + [(0, BYTES * 3 * out)])
        elif not list(module.children()) and not isinstance(module, nn.Flatten):
            work.append(elementwise(size, trained))

    for module in net.modules():
        module.register_forward_hook(count)
    net(inputs["x"])
    return work


def seconds(row, roofs, folder):
    """`roofs` are GB/s of copy and triad, and GFLOP/s. None for rows that are all overhead."""
    words = words_of(row.spec)
    if "scalar" in words or words.get("net") == "mlp":
        return None
    work = work_of_op(words) if "op" in words else work_of_net(words, tensors.read(folder / "inputs.safetensors"))
    _, triad, fma = roofs
    return sum(max(flops / fma, moved / triad) * 1e-9 for flops, moved in work)
