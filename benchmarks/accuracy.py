"""How each algorithm of conv2d rounds, beside PyTorch: the largest error against float64."""

import itertools

import torch

import tensors
import torch_side
from contest import ServerSide
from table import Row, words_of

SHAPES = ("16,16,32,32", "16,32,16,16", "16,64,8,8")
VALUES = {"normal": "N(0, 1)", "relu": "after ReLU", "shifted": "N(10, 1)"}
ALGORITHMS = ("automatic", "accurate", "direct")
RESULTS = {"y": "output", "grad.x": "gradient of the input", "grad.weight": "gradient of the weight"}


def exact_results(words, inputs):
    wide = {name: value.double() for name, value in inputs.items()}
    row = torch_side.Op(words, wide, "eager NCHW", dtype=torch.float64)
    return row.results()


def error(got, exact):
    """Relative to the root mean square of the exact values."""
    return ((got.double() - exact).abs().max() / exact.square().mean().sqrt()).item()


def errors_of(spec, server, folder):
    """By who computed it, the errors of the three results."""
    found = {}
    for algorithm in ALGORITHMS:
        side = ServerSide(algorithm, server, Row("", f"{spec} algorithm={algorithm}"), folder)
        found[algorithm] = side.results(folder)
    words = words_of(spec)
    inputs = tensors.read(folder / "inputs.safetensors")
    exact = exact_results(words, inputs)
    for mode in ("eager NCHW", "eager channels_last"):
        found["PyTorch, " + mode.removeprefix("eager ")] = torch_side.make(words, inputs, mode).results()
    return {who: [error(results[name], exact[name]) for name in RESULTS] for who, results in found.items()}


def table(server, folder):
    lines = []
    for shape in SHAPES:
        for kernel, (values, text) in itertools.product((3, 5), VALUES.items()):
            spec = f"op=conv2d shape={shape} out={shape.split(',')[1]} kernel={kernel} values={values}"
            found = errors_of(spec, server, folder)
            if not lines:
                lines += ["| input | of | " + " | ".join(found) + " |", "|---" * (2 + len(found)) + "|"]
            for i, name in enumerate(RESULTS.values()):
                cells = " | ".join(f"{errors[i]:.1e}" for errors in found.values())
                lines.append(f"| ({shape}), {kernel}x{kernel}, {text} | {name} | {cells} |")
    return lines
