"""Every op as PyTorch computes it: value, gradients for a random cotangent, second order."""

import math

import numpy as np
import torch
import torch.nn.functional as F

from golden import Golden

torch.set_num_threads(1)
random = np.random.default_rng(20240601)
golden = Golden("ops.safetensors", __file__, "PyTorch 2.13.0",
                {"torch": torch.__version__, "numpy": np.__version__})
MAX_SECOND_ORDER = 3500  # elements; larger cases hold first order only, to keep the file small


def normal(*shape, dtype="float64", scale=1.0):
    return torch.from_numpy(np.asarray(random.standard_normal(shape) * scale).astype(dtype))


def uniform(*shape, low=0.5, high=2.5, dtype="float64"):
    return torch.from_numpy(np.asarray(random.uniform(low, high, shape)).astype(dtype))


def integers(*shape, high):
    return torch.from_numpy(np.asarray(random.integers(0, high, shape)))


def like(x):
    return torch.from_numpy(np.asarray(random.standard_normal(tuple(x.shape))).astype(str(x.dtype)[6:]))


def record(op, f, args=None, constant=(), **inputs):
    """f takes the inputs; those of floating dtype and not in `constant` are differentiated."""
    leaves = {k: v.clone().requires_grad_() for k, v in inputs.items() if v.is_floating_point() and k not in constant}
    y = f(**{**inputs, **leaves})
    tensors = {"y": y}
    if y.requires_grad:
        cotangent = like(y).requires_grad_()
        grads = torch.autograd.grad(y, list(leaves.values()), cotangent, create_graph=True)
        tensors["cotangent"] = cotangent
        tensors.update({f"grad_{k}": g for k, g in zip(leaves, grads)})
        if sum(v.numel() for v in leaves.values()) + y.numel() <= MAX_SECOND_ORDER:
            directions = [like(g) for g in grads]
            tensors.update({f"direction_{k}": r for k, r in zip(leaves, directions)})
            sources = {**leaves, "cotangent": cotangent}
            total = sum((g * r).sum() for g, r in zip(grads, directions))
            if total.requires_grad:
                seconds = torch.autograd.grad(total, list(sources.values()), allow_unused=True)
                tensors.update({f"grad2_{k}": g for k, g in zip(sources, seconds) if g is not None})
    dtype = "float32" if any(v.dtype == torch.float32 for v in inputs.values()) else "float64"
    numpy = lambda values: {k: v.numpy(force=True) for k, v in values.items()}
    golden.add(op, args or {}, numpy(inputs), numpy(tensors), dtype)


# ---- arithmetic ----------------------------------------------------------------------------------------

BROADCASTS = [((3, 4), (3, 4)), ((2, 3, 5), (5,)), ((7, 1), (1, 5)), ((3, 1, 2, 1), (4, 1, 3)), ((), (2, 3)),
              ((2, 3, 4, 5), (1, 3, 1, 1)), ((1, 3, 1, 1), (2, 3, 4, 5)), ((13,), (13,))]
BINARY = {"add": torch.add, "sub": torch.sub, "mul": torch.mul, "div": torch.div,
          "maximum": torch.maximum, "minimum": torch.minimum}
for op, f in BINARY.items():
    for i, (left, right) in enumerate(BROADCASTS):
        dtype = "float32" if i in (2, 5) else "float64"
        a, b = normal(*left, dtype=dtype), normal(*right, dtype=dtype)
        if op == "div":
            b = b + torch.sign(b)  # away from zero
        record(op, lambda a, b: f(a, b), a=a, b=b)
for op in ("maximum", "minimum"):  # ties share the gradient
    record(op, lambda a, b: BINARY[op](a, b), a=torch.tensor([1., 2, 3, -0.5]).double(),
           b=torch.tensor([1., 5, 3, -0.5]).double())
for op in ("add", "sub", "mul", "div"):
    for scalar, side, shape, dtype in [(2.5, "right", (3, 5), "float64"), (-0.75, "left", (7,), "float64"),
                                       (3.0, "left", (2, 3), "float32"), (3.0, "right", (2, 1, 3), "float32")]:
        record(op, lambda x: BINARY[op](x, scalar) if side == "right" else BINARY[op](torch.full_like(x, scalar), x),
               {"scalar": scalar, "side": side}, x=uniform(*shape, dtype=dtype))

SHAPES = [((3, 5), "float64"), ((2, 3, 7, 1), "float32"), ((), "float64"), ((13,), "float64")]
for shape, dtype in SHAPES:
    record("neg", lambda x: -x, x=normal(*shape, dtype=dtype))
    record("exp", lambda x: x.exp(), x=normal(*shape, dtype=dtype))
    record("log", lambda x: x.log(), x=uniform(*shape, dtype=dtype))
    record("sqrt", lambda x: x.sqrt(), x=uniform(*shape, dtype=dtype))
    record("abs", lambda x: x.abs(), x=normal(*shape, dtype=dtype))
record("abs", lambda x: x.abs(), x=torch.tensor([-1., 0, 2]).double())
for exponent in (2, 0.5, -1, 3, 1, 0):
    for dtype in ("float64", "float32"):
        x = uniform(3, 5, dtype=dtype)
        if exponent in (2, 3):
            x = x - 1.5  # both signs
        record("pow", lambda x: x.pow(exponent), {"exponent": exponent}, x=x)
record("pow", lambda x: x.pow(3), {"exponent": 3}, x=torch.tensor([-2., 0, 1.5]).double())
for left, right in [((3, 4), (3, 4)), ((2, 3, 5), (5,)), ((4, 1), (1, 3)), ((), (2, 3))]:
    record("pow", lambda a, b: a.pow(b), a=uniform(*left), b=normal(*right))
for low, high in [(-0.5, 0.5), (None, 0.25), (-0.25, None), (0.0, 1.0)]:
    for dtype in ("float64", "float32"):
        record("clamp", lambda x: x.clamp(low, high), {"min": low, "max": high}, x=normal(3, 7, dtype=dtype))
record("clamp", lambda x: x.clamp(-1, 1), {"min": -1.0, "max": 1.0}, x=torch.tensor([-2., -1, 0, 1, 2]).double())
for condition, left, right in [((3, 4), (3, 4), (3, 4)), ((3, 1), (3, 4), (4,)), ((2, 3, 4), (3, 1), ()),
                               ((5,), (2, 5), (2, 1))]:
    record("where", lambda condition, a, b: torch.where(condition.bool(), a, b),
           condition=integers(*condition, high=2).to(torch.uint8), a=normal(*left), b=normal(*right))

# ---- reductions ----------------------------------------------------------------------------------------

AXES = [((3, 4), None), ((3, 4), [0]), ((3, 4), [1]), ((2, 3, 5), [-1]), ((2, 3, 5), [0, 2]), ((2, 3, 4, 5), [0, 2, 3]),
        ((2, 1, 7), [1]), ((2, 3, 5, 2, 2), [1, 3]), ((13,), [0]), ((), None)]
for i, (shape, axes) in enumerate(AXES):
    dims = list(range(len(shape))) if axes is None else axes
    for keepdim in (False, True):
        args = {"axes": axes, "keepdim": keepdim}
        dtype = "float32" if i % 4 == 3 else "float64"
        record("sum", lambda x: x.sum(dims, keepdim=keepdim), args, x=normal(*shape, dtype=dtype))
        record("mean", lambda x: x.mean(dims, keepdim=keepdim), args, x=normal(*shape, dtype=dtype))
        record("max", lambda x: x.amax(dims, keepdim=keepdim), args, x=normal(*shape, dtype=dtype))
        record("min", lambda x: x.amin(dims, keepdim=keepdim), args, x=normal(*shape, dtype=dtype))
        size = math.prod(shape[d] for d in dims)
        correction = next(c for c in [(0, 1, 2)[(2 * i + keepdim) % 3], 1, 0] if size > c)
        record("var", lambda x: x.var(dims, correction=correction, keepdim=keepdim), {**args, "correction": correction},
               x=normal(*shape, dtype=dtype))
for op in ("max", "min"):  # ties share the gradient evenly
    for axes in (None, [1], [0]):
        record(op, lambda x: (x.amax if op == "max" else x.amin)(axes or [0, 1]), {"axes": axes, "keepdim": False},
               x=torch.tensor([[1., 3, 3, 1], [2, 2, 2, 2], [3, 0, 1, 0]]).double())
for op, f in (("argmax", torch.argmax), ("argmin", torch.argmin)):
    for shape, axis, keepdim in [((3, 4), None, False), ((3, 4), 0, False), ((3, 4), 1, True), ((2, 3, 5), -1, False),
                                 ((2, 3, 5), 1, False), ((7,), 0, False)]:
        record(op, lambda x: f(x, axis, keepdim), {"axis": axis, "keepdim": keepdim}, x=normal(*shape))
    record(op, lambda x: f(x, 1), {"axis": 1, "keepdim": False},  # the first of equals
           x=torch.tensor([[1., 3, 3, 1], [2, 2, 2, 2], [0, 3, 1, 0]]).double())

# ---- shapes --------------------------------------------------------------------------------------------

for shape, target in [((3, 4), (2, 6)), ((2, 3, 5), (30,)), ((6,), (1, 2, 3)), ((2, 3, 4), (-1, 4)), ((1, 1), ())]:
    record("reshape", lambda x: x.reshape(target), {"shape": target}, x=normal(*shape))
for shape, axes in [((3, 4), [1, 0]), ((2, 3, 5), [2, 0, 1]), ((2, 3, 4, 5), [0, 2, 3, 1]), ((2, 3, 4, 5), [0, 3, 1, 2]),
                    ((2, 3, 1, 2, 2), [4, 3, 2, 1, 0])]:
    record("permute", lambda x: x.permute(axes), {"axes": axes}, x=normal(*shape))
for shape, axis0, axis1 in [((3, 4), 0, 1), ((2, 3, 5), 1, 2), ((2, 3, 5), 0, -1), ((2, 3, 4, 5), -2, -1)]:
    record("transpose", lambda x: x.transpose(axis0, axis1), {"axis0": axis0, "axis1": axis1}, x=normal(*shape))
for shape, axis in [((3, 1, 4), 1), ((1, 5), 0), ((2, 3, 1), -1)]:
    record("squeeze", lambda x: x.squeeze(axis), {"axis": axis}, x=normal(*shape))
for shape, axis in [((3, 4), 0), ((3, 4), 1), ((3, 4), -1), ((), 0)]:
    record("unsqueeze", lambda x: x.unsqueeze(axis), {"axis": axis}, x=normal(*shape))
for shapes, axis, dtype in [([(2, 3), (4, 3)], 0, "float64"), ([(2, 3), (2, 1), (2, 2)], 1, "float64"),
                            ([(2, 3, 5), (2, 1, 5)], -2, "float32"), ([(2, 3, 3, 3), (2, 5, 3, 3)], 1, "float64"),
                            ([(4,)], 0, "float64")]:
    record("concat", lambda **x: torch.cat(list(x.values()), axis), {"axis": axis},
           **{f"x{i}": normal(*s, dtype=dtype) for i, s in enumerate(shapes)})
for shape, count, axis in [((3,), 2, 0), ((2, 3), 3, 1), ((2, 3), 2, -1), ((), 3, 0)]:
    record("stack", lambda **x: torch.stack(list(x.values()), axis), {"axis": axis},
           **{f"x{i}": normal(*shape) for i in range(count)})
for shape, axis, start, length in [((5, 3), 0, 1, 3), ((3, 7), 1, 0, 2), ((2, 3, 5), -1, 4, 1), ((2, 8, 3, 3), 1, 2, 4),
                                   ((4,), 0, 0, 4)]:
    record("slice", lambda x: x.narrow(axis, start, length), {"axis": axis, "start": start, "length": length},
           x=normal(*shape))

# ---- matmul, linear ------------------------------------------------------------------------------------

for left, right, dtype in [((3, 4), (4, 5), "float64"), ((1, 7), (7, 1), "float64"), ((13, 17), (17, 5), "float32"),
                           ((2, 3, 4), (2, 4, 5), "float64"), ((2, 3, 4), (4, 5), "float64"), ((3, 4), (2, 4, 5), "float64"),
                           ((2, 1, 3, 4), (3, 4, 2), "float64"), ((2, 3, 2, 4), (2, 3, 4, 3), "float32"),
                           ((1, 3, 2, 4), (2, 1, 4, 3), "float64"), ((4,), (4,), "float64"), ((3, 4), (4,), "float64"),
                           ((4,), (4, 3), "float64"), ((2, 3, 4), (4,), "float64"), ((4,), (2, 4, 3), "float64"),
                           ((33, 31), (31, 35), "float32")]:
    record("matmul", lambda a, b: a @ b, a=normal(*left, dtype=dtype), b=normal(*right, dtype=dtype))
for shape, out, bias, dtype in [((3, 4), 5, True, "float64"), ((3, 4), 5, False, "float64"), ((2, 3, 4), 5, True, "float64"),
                                ((4,), 5, True, "float64"), ((4,), 1, False, "float64"), ((1, 17), 13, True, "float32"),
                                ((5, 64), 10, True, "float32"), ((2, 2, 3, 7), 3, False, "float32"),
                                ((3, 1), 2, True, "float64")]:
    x, weight = normal(*shape, dtype=dtype), normal(out, shape[-1], dtype=dtype)
    record("linear", lambda x, weight, bias=None: F.linear(x, weight, bias), x=x, weight=weight,
           **({"bias": normal(out, dtype=dtype)} if bias else {}))

# ---- convolution ---------------------------------------------------------------------------------------


def conv2d(n, c, out, hw, kernel, stride=1, padding=0, dilation=1, groups=1, bias=True, dtype="float64"):
    pair = lambda v: list(v) if isinstance(v, tuple) else [v, v]
    args = {"stride": pair(stride), "padding": pair(padding), "dilation": pair(dilation), "groups": groups}
    size = c // groups * math.prod(pair(kernel))
    inputs = {"x": normal(n, c, *pair(hw), dtype=dtype),
              "weight": normal(out, c // groups, *pair(kernel), dtype=dtype, scale=size**-0.5)}
    if bias:
        inputs["bias"] = normal(out, dtype=dtype)
    record("conv2d", lambda x, weight, bias=None: F.conv2d(x, weight, bias, **args), args, **inputs)


for bias in (True, False):
    conv2d(2, 3, 5, 7, 3, padding=1, bias=bias)
    conv2d(1, 3, 5, 7, 3, bias=bias)
    conv2d(2, 5, 3, 7, 1, bias=bias)
    conv2d(1, 3, 2, 7, 5, padding=2, bias=bias)
    conv2d(2, 4, 4, (7, 5), 3, padding=1, groups=2, bias=bias)
    conv2d(2, 5, 5, 7, 3, padding=1, groups=5, bias=bias)  # depthwise
    conv2d(1, 3, 6, 7, 3, stride=2, padding=1, groups=3, bias=bias)  # depthwise multiplier 2
conv2d(2, 1, 1, 7, 3, padding=1)
conv2d(1, 1, 16, 13, 3, padding=1)
conv2d(1, 16, 1, 7, 3, padding=1)
conv2d(1, 5, 16, 7, 3, stride=2, padding=1)
conv2d(1, 5, 3, 13, 3, stride=2)
conv2d(2, 3, 5, (13, 7), 3, stride=(2, 1), padding=(1, 2))
conv2d(1, 3, 5, (7, 13), (1, 3), padding=(0, 1))
conv2d(1, 3, 5, (7, 13), (3, 1), stride=(1, 2), padding=(1, 0))
conv2d(1, 3, 4, (7, 13), (1, 3), stride=(2, 1), padding=(1, 2))
conv2d(1, 3, 5, 13, 3, padding=2, dilation=2)
conv2d(1, 3, 5, 13, 3, stride=2, padding=1, dilation=2)
conv2d(1, 3, 4, 7, 3, padding=(1, 2), dilation=(1, 2))
conv2d(1, 4, 6, 13, 3, padding=2, dilation=2, groups=2)
conv2d(1, 4, 4, 9, 3, padding=2, dilation=2, groups=4)
conv2d(2, 3, 5, 7, 1, stride=2)
conv2d(1, 3, 5, 7, 1, padding=1)
conv2d(1, 2, 3, 13, 5, stride=2, padding=2)
conv2d(1, 6, 12, 5, 1, groups=2)
conv2d(1, 6, 4, 5, 3, stride=(2, 1), padding=1, groups=2, bias=False)
conv2d(1, 17, 17, 5, 3, padding=1, groups=17)
conv2d(1, 16, 17, 5, 3, padding=1)
conv2d(1, 17, 16, 5, 1)
conv2d(3, 3, 2, 3, 3)  # one output pixel
conv2d(2, 3, 2, 1, 3, padding=1)  # one input pixel
conv2d(2, 2, 2, 2, 4, padding=1)  # even kernel, larger than the image
conv2d(1, 3, 2, 4, 2, stride=2)  # stride = kernel
conv2d(1, 2, 3, 7, 2, stride=3)  # stride > kernel: unused pixels
conv2d(2, 2, 2, 5, 3, padding=(2, 0))  # padding = kernel - 1
conv2d(1, 16, 16, 13, 3, padding=1, dtype="float32")
conv2d(2, 16, 16, 7, 3, padding=1, dtype="float32")
conv2d(1, 32, 32, 7, 3, padding=1, dtype="float32")
conv2d(1, 32, 32, 7, 3, stride=2, padding=1, bias=False, dtype="float32")
conv2d(1, 64, 32, 5, 1, dtype="float32")
conv2d(1, 32, 64, 5, 3, padding=1, bias=False, dtype="float32")
conv2d(1, 64, 64, 5, 3, stride=2, padding=1, groups=64, dtype="float32")
conv2d(2, 3, 16, 13, 3, padding=1, dtype="float32")
conv2d(1, 17, 32, 7, 3, padding=1, dtype="float32")
conv2d(1, 16, 32, 7, 3, stride=(2, 1), padding=1, groups=2, dtype="float32")
conv2d(1, 1, 16, 13, 5, padding=2, dtype="float32")
conv2d(1, 3, 32, 7, 3, padding=2, dilation=2, dtype="float32")

# ---- pooling -------------------------------------------------------------------------------------------

POOLS = [(7, 2, 2, 0), (7, 3, 2, 1), (13, 3, 2, 0), ((7, 5), (2, 3), (2, 1), (1, 0)), (5, 2, 1, 1), (6, (3, 2), (3, 2), 0),
         (7, 3, 3, 1), (4, 4, 4, 0)]
for i, (hw, kernel, stride, padding) in enumerate(POOLS):
    pair = lambda v: list(v) if isinstance(v, tuple) else [v, v]
    dtype = "float32" if i % 3 == 1 else "float64"
    for ceil_mode in (False, True):
        args = {"kernel_size": pair(kernel), "stride": pair(stride), "padding": pair(padding), "ceil_mode": ceil_mode}
        dilated = {**args, "dilation": [1, 1]}
        record("max_pool2d", lambda x: F.max_pool2d(x, **dilated), dilated, x=normal(2, 2, *pair(hw), dtype=dtype))
        include = (i + ceil_mode) % 2 == 0
        for count_include_pad in ([True, False] if padding else [include]):
            average = {**args, "count_include_pad": count_include_pad}
            record("avg_pool2d", lambda x: F.avg_pool2d(x, **average), average, x=normal(2, 2, *pair(hw), dtype=dtype))
for hw, kernel, stride, padding, dilation, ceil_mode in [(7, 2, 1, 0, 2, False), (13, 3, 2, 1, 2, False),
                                                         (13, 3, 2, 1, 2, True), (9, 3, 1, 1, 3, False)]:
    args = {"kernel_size": [kernel] * 2, "stride": [stride] * 2, "padding": [padding] * 2, "ceil_mode": ceil_mode,
            "dilation": [dilation] * 2}
    record("max_pool2d", lambda x: F.max_pool2d(x, **args), args, x=normal(1, 3, hw, hw))
args = {"kernel_size": [2, 2], "stride": [1, 1], "padding": [0, 0], "ceil_mode": False, "dilation": [1, 1]}
record("max_pool2d", lambda x: F.max_pool2d(x, **args), args,  # the first of equals takes the gradient
       x=torch.tensor([[1., 1, 0], [1, 1, 2], [2, 0, 2]]).double().reshape(1, 1, 3, 3))
for hw, size, dtype in [(7, [1, 1], "float64"), (7, [2, 2], "float64"), (7, [3, 2], "float64"), (13, [7, 7], "float64"),
                        ((5, 9), [2, 2], "float32"), ((13, 7), [3, 2], "float32"), (13, [1, 1], "float32"),
                        (7, [7, 7], "float64"), (5, [7, 7], "float64"), (8, [7, 7], "float64")]:
    record("adaptive_avg_pool2d", lambda x: F.adaptive_avg_pool2d(x, size), {"output_size": size},
           x=normal(2, 2, *([hw, hw] if isinstance(hw, int) else hw), dtype=dtype))

# ---- activations ---------------------------------------------------------------------------------------

ACTIVATIONS = [("relu", F.relu, {}), ("leaky_relu", F.leaky_relu, {"negative_slope": 0.01}),
               ("leaky_relu", F.leaky_relu, {"negative_slope": 0.2}), ("gelu", F.gelu, {"approximate": "none"}),
               ("gelu", F.gelu, {"approximate": "tanh"}), ("silu", F.silu, {}), ("sigmoid", torch.sigmoid, {}),
               ("tanh", torch.tanh, {}), ("softplus", F.softplus, {"beta": 1.0, "threshold": 20.0}),
               ("softplus", F.softplus, {"beta": 2.0, "threshold": 3.0})]
for op, f, args in ACTIVATIONS:
    for shape, dtype in [((3, 5), "float64"), ((2, 3, 7, 1), "float32")]:
        record(op, lambda x: f(x, **args), args, x=normal(*shape, dtype=dtype, scale=2.0))
    for dtype in ("float64", "float32"):  # far out, and the kink at 0
        record(op, lambda x: f(x, **args), args,
               x=torch.tensor([-100., -30, -6, -1e-3, 0, 1e-3, 6, 30, 100]).to(getattr(torch, dtype)))
for shape, axis, dtype in [((3, 5), 1, "float64"), ((3, 5), 0, "float64"), ((2, 3, 7), -1, "float64"), ((5,), 0, "float64"),
                           ((2, 3, 4, 5), 1, "float64"), ((4, 10), 1, "float32"), ((2, 1, 3), 1, "float64")]:
    for op, f in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
        record(op, lambda x: f(x, axis), {"axis": axis}, x=normal(*shape, dtype=dtype, scale=2.0))
for op, f in (("softmax", F.softmax), ("log_softmax", F.log_softmax)):
    record(op, lambda x: f(x, 1), {"axis": 1}, x=torch.tensor([[1000., 1001, 999], [-1000, 0, 1000]]).double())

# ---- losses --------------------------------------------------------------------------------------------


def classes(shape, target_ignore):
    """Class indices for scores of `shape`, every fourth one ignored."""
    target = integers(shape[0], *shape[2:], high=shape[1])
    if target_ignore is not None:
        target.view(-1)[::4] = target_ignore
    return target


def class_loss(op, f, shape, ignored=None, weighted=False, dtype="float64", target=None, differentiate_target=False, **args):
    inputs = {"x": normal(*shape, dtype=dtype), "target": classes(shape, ignored) if target is None else target}
    if op == "nll_loss":
        inputs["x"] = F.log_softmax(inputs["x"], 1)
    if weighted:
        inputs["weight"] = uniform(shape[1], dtype=dtype)
    args = {"reduction": "mean", "ignore_index": -100, **({"label_smoothing": 0.0} if op == "cross_entropy" else {}), **args}
    constant = ["weight"] if differentiate_target else ["weight", "target"]
    record(op, lambda x, target, weight=None: f(x, target, weight, **args), args, constant, **inputs)


for reduction in ("mean", "sum", "none"):
    for shape in [(4, 5), (2, 3, 3, 2)]:
        class_loss("cross_entropy", F.cross_entropy, shape, reduction=reduction)
        class_loss("cross_entropy", F.cross_entropy, shape, ignored=-100, reduction=reduction)
        class_loss("cross_entropy", F.cross_entropy, shape, ignored=1, ignore_index=1, reduction=reduction)
        class_loss("cross_entropy", F.cross_entropy, shape, weighted=True, reduction=reduction)
        class_loss("cross_entropy", F.cross_entropy, shape, label_smoothing=0.1, reduction=reduction)
        class_loss("cross_entropy", F.cross_entropy, shape, ignored=-100, weighted=True, label_smoothing=0.2,
                   reduction=reduction)
        probabilities = lambda: F.softmax(normal(*shape), 1)
        class_loss("cross_entropy", F.cross_entropy, shape, target=probabilities(), reduction=reduction)
        class_loss("cross_entropy", F.cross_entropy, shape, target=probabilities(), weighted=True, label_smoothing=0.1,
                   reduction=reduction)
        class_loss("nll_loss", F.nll_loss, shape, reduction=reduction)
        class_loss("nll_loss", F.nll_loss, shape, ignored=0, ignore_index=0, weighted=True, reduction=reduction)
class_loss("cross_entropy", F.cross_entropy, (4, 5), target=F.softmax(normal(4, 5), 1), differentiate_target=True)
class_loss("cross_entropy", F.cross_entropy, (4, 5, 2), ignored=2, ignore_index=2, weighted=True, label_smoothing=0.3)
class_loss("cross_entropy", F.cross_entropy, (4, 1))
class_loss("cross_entropy", F.cross_entropy, (8, 10), dtype="float32")
class_loss("cross_entropy", F.cross_entropy, (8, 10), weighted=True, label_smoothing=0.1, dtype="float32")
class_loss("cross_entropy", F.cross_entropy, (5,), target=torch.tensor(3))  # without a batch
class_loss("nll_loss", F.nll_loss, (8, 10), ignored=-100, dtype="float32")
for reduction in ("mean", "sum", "none"):
    for op, f in (("mse_loss", F.mse_loss), ("l1_loss", F.l1_loss)):
        for shape, dtype, constant in [((3, 5), "float64", ["target"]), ((2, 3, 2), "float32", ["target"]), ((7,), "float64", [])]:
            record(op, lambda x, target: f(x, target, reduction=reduction), {"reduction": reduction}, constant,
                   x=normal(*shape, dtype=dtype), target=normal(*shape, dtype=dtype))
    for shape, weight, pos_weight, dtype in [((3, 5), None, None, "float64"), ((3, 5), (3, 5), None, "float64"),
                                             ((3, 5), (5,), None, "float64"), ((3, 5), None, (5,), "float64"),
                                             ((2, 3, 5), (5,), (5,), "float64"), ((7,), None, None, "float32")]:
        extra = {k: uniform(*s, dtype=dtype) for k, s in (("weight", weight), ("pos_weight", pos_weight)) if s}
        record("binary_cross_entropy_with_logits",
               lambda x, target, weight=None, pos_weight=None: F.binary_cross_entropy_with_logits(
                   x, target, weight, pos_weight=pos_weight, reduction=reduction),
               {"reduction": reduction}, ["target", "weight", "pos_weight"],
               x=normal(*shape, dtype=dtype), target=uniform(*shape, low=0, high=1, dtype=dtype), **extra)
record("binary_cross_entropy_with_logits", lambda x, target: F.binary_cross_entropy_with_logits(x, target, reduction="sum"),
       {"reduction": "sum"}, ["target"], x=torch.tensor([-1000., -50, 0, 50, 1000]).double(),
       target=torch.tensor([0., 1, 0.5, 0, 1]).double())

golden.save()
