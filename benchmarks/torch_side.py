"""PyTorch's side: every row as one would write it in Python, from the inputs that ours wrote.

As a program, `torch_side.py memory SPEC FOLDER MODE` and `torch_side.py first-step SPEC FOLDER` are the fresh
processes whose memory and start are measured.
"""

import re
import sys
from pathlib import Path

import torch
from torch import nn
import torch.nn.functional as F

import tensors
from table import words_of

MODES = ("eager NCHW", "eager channels_last", "torch.compile")


class ResidualBlock(nn.Module):
    def __init__(self, channels, out, stride, norm):
        super().__init__()
        self.conv1 = nn.Conv2d(channels, out, 3, stride, 1, bias=False)
        self.norm1 = norm(out)
        self.conv2 = nn.Conv2d(out, out, 3, 1, 1, bias=False)
        self.norm2 = norm(out)
        self.shortcut = None
        if channels != out or stride != 1:
            self.shortcut = nn.Sequential(nn.Conv2d(channels, out, 1, stride, bias=False), norm(out))

    def forward(self, x):
        h = self.norm2(self.conv2(F.relu(self.norm1(self.conv1(x)))))
        return F.relu(h + (x if self.shortcut is None else self.shortcut(x)))


class ResNet20(nn.Module):
    def __init__(self, norm):
        super().__init__()
        self.conv0 = nn.Conv2d(3, 16, 3, 1, 1, bias=False)
        self.norm0 = norm(16)
        widths = [16, 16, 16, 16, 32, 32, 32, 64, 64, 64]
        self.blocks = nn.Sequential(*(ResidualBlock(a, b, 1 if a == b else 2, norm)
                                      for a, b in zip(widths, widths[1:])))
        self.head = nn.Linear(64, 10)

    def forward(self, x):
        h = self.blocks(F.relu(self.norm0(self.conv0(x))))
        return self.head(torch.flatten(F.adaptive_avg_pool2d(h, 1), 1))


def lenet():
    return nn.Sequential(
        nn.Conv2d(1, 16, 5, padding=2, bias=False), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 5, padding=2, bias=False), nn.BatchNorm2d(32), nn.ReLU(), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(32 * 7 * 7, 128), nn.ReLU(), nn.Linear(128, 10))


NORMS = {
    "batch": nn.BatchNorm2d,
    "group": lambda channels: nn.GroupNorm(8, channels),
    "instance": lambda channels: nn.InstanceNorm2d(channels, affine=True),
}


def make_net(words):
    if words["net"] == "mlp":
        return nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 1))
    return lenet() if words["net"] == "lenet" else ResNet20(NORMS[words.get("norm", "batch")])


def make_layer(words):
    """The layer of an op's row; None for a function of tensors alone."""
    op, shape = words["op"], [int(n) for n in words["shape"].split(",")]
    if op == "batch_norm":
        return (nn.BatchNorm1d if len(shape) == 2 else nn.BatchNorm2d)(shape[1])
    if op == "conv2d":
        kernel = int(words["kernel"])
        return nn.Conv2d(shape[1], int(words["out"]), kernel, int(words.get("stride", 1)), kernel // 2,
                         groups=int(words.get("groups", 1)), bias=False)
    return {
        "instance_norm": lambda: nn.InstanceNorm2d(shape[1], affine=True),
        "group_norm": lambda: nn.GroupNorm(8, shape[1]),
        "layer_norm": lambda: nn.LayerNorm(shape[1:]),
        "linear": lambda: nn.Linear(shape[1], int(words["out"])),
        "max_pool2d": lambda: nn.MaxPool2d(2),
        "avg_pool2d": lambda: nn.AvgPool2d(2),
        "relu": nn.ReLU,
        "sigmoid": nn.Sigmoid,
        "tanh": nn.Tanh,
        "silu": nn.SiLU,
        "gelu": nn.GELU,
        "softplus": nn.Softplus,
        "softmax": lambda: nn.Softmax(1),
        "log_softmax": lambda: nn.LogSoftmax(1),
    }.get(op, lambda: None)()


def laid_out(tensor, mode):
    tensor = tensor.clone()
    return tensor.contiguous(memory_format=torch.channels_last) if "channels_last" in mode and tensor.dim() == 4 else tensor


def layer_state(tensors):
    return {name.removeprefix("layer."): value for name, value in tensors.items() if name.startswith("layer.")}


def put_layer(layer, inputs, mode):
    layer.load_state_dict({name: value.clone() for name, value in layer_state(inputs).items()})
    return layer.to(memory_format=torch.channels_last) if "channels_last" in mode else layer


def state_of(layer):
    return {"layer." + name: value.clone() for name, value in layer.state_dict().items()}


class Op:
    """One op with the gradients of its input and its parameters."""

    def __init__(self, words, inputs, mode, dtype=torch.float32):
        self.x = laid_out(inputs["x"], mode).requires_grad_()
        self.leaves = {"x": self.x}
        self.layer = make_layer(words)
        if self.layer is not None:
            put_layer(self.layer.to(dtype), inputs, mode).train("eval" not in words)
            self.leaves.update(self.layer.named_parameters())
            call = self.layer
        elif words["op"] == "add":
            self.leaves["other"] = other = laid_out(inputs["other"], mode).requires_grad_()
            call = lambda x: x + other
        else:
            call = lambda x: F.cross_entropy(x, inputs["target"])
        self.call = torch.compile(call) if "compile" in mode else call
        self.cotangent = laid_out(inputs["cotangent"], mode)

    def step(self):
        for leaf in self.leaves.values():
            leaf.grad = None
        y = self.call(self.x)
        y.backward(self.cotangent)
        return y

    def results(self):
        all_results = {"y": self.step().detach()}
        all_results.update(("grad." + name, leaf.grad.clone()) for name, leaf in self.leaves.items())
        return all_results | (state_of(self.layer) if self.layer is not None else {})


class Training:
    """A step of training: zero_grad, forward, loss, backward, SGD with momentum and weight decay."""

    def __init__(self, words, inputs, mode):
        self.net = put_layer(make_net(words), inputs, mode)
        self.x, self.target = laid_out(inputs["x"], mode), inputs["target"].clone()
        self.sgd = torch.optim.SGD(self.net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        self.loss_of = F.binary_cross_entropy_with_logits if words["net"] == "mlp" else F.cross_entropy
        self.call = torch.compile(self.net) if "compile" in mode else self.net

    def step(self):
        self.sgd.zero_grad()
        scores = self.call(self.x)
        loss = self.loss_of(scores, self.target)
        loss.backward()
        self.sgd.step()
        return scores, loss

    def results(self):
        scores, loss = self.step()
        grads = {"grad." + name: parameter.grad.clone() for name, parameter in self.net.named_parameters()}
        return {"scores": scores.detach(), "loss": loss.detach()} | grads | state_of(self.net)


class Evaluation:
    def __init__(self, words, inputs, mode):
        net = put_layer(make_net(words), inputs, mode).eval()
        self.call = torch.compile(net) if "compile" in mode else net
        self.x = laid_out(inputs["x"], mode)

    def step(self):
        with torch.inference_mode():
            return self.call(self.x)

    def results(self):
        return {"scores": self.step().clone()}


def make(words, inputs, mode):
    kind = Op if "op" in words else Evaluation if "eval" in words else Training
    return kind(words, inputs, mode)


def peak_memory():
    """Bytes, of this program alone: what getrusage says includes the process that it was forked from."""
    status = Path("/proc/self/status").read_text()
    return int(re.search(r"VmHWM:\s*(\d+) kB", status).group(1)) * 1024


def main():
    task, spec, folder = sys.argv[1:4]
    words = words_of(spec)
    if task == "memory":
        imported = peak_memory()
        torch.set_num_threads(2)
        row = make(words, tensors.read(Path(folder) / "inputs.safetensors"), sys.argv[4])
        for _ in range(5):
            row.step()
        print(peak_memory(), imported)
    else:
        net = make_net(words)
        sgd = torch.optim.SGD(net.parameters(), lr=0.01, momentum=0.9, weight_decay=5e-4)
        x, target = torch.randn(int(words["batch"]), 1, 28, 28), torch.randint(10, (int(words["batch"]),))
        sgd.zero_grad()
        F.cross_entropy(net(x), target).backward()
        sgd.step()
        print("done")


if __name__ == "__main__":
    main()
