"""Normalization layers as PyTorch computes them: three steps, gradients of the third, running statistics."""

import itertools

import numpy as np
import torch

from golden import Golden

torch.set_num_threads(1)
random = np.random.default_rng(20240603)
golden = Golden("norm_torch.safetensors", __file__, "PyTorch 2.13.0",
                {"torch": torch.__version__, "numpy": np.__version__})


def normal(shape, dtype, scale=1.0, shift=0.0):
    return torch.from_numpy(np.asarray(random.standard_normal(shape) * scale + shift).astype(dtype))


def choose(*options):
    return options[random.integers(len(options))]


def record(name, shape, dtype, training, second_order=False, **args):
    second_order = second_order and dtype == "float64"
    layer = getattr(torch.nn, name)(**args, dtype=getattr(torch, dtype)).train(training)
    inputs = {}
    for key, parameter in layer.named_parameters():
        inputs[key] = parameter.data = normal(parameter.shape, dtype, 0.6, 1.2 if key == "weight" else -0.3)
    for key, buffer in layer.named_buffers():
        start = {"running_mean": lambda: normal(buffer.shape, dtype),
                 "running_var": lambda: normal(buffer.shape, dtype).square() + 0.3,
                 "num_batches_tracked": lambda: torch.tensor(choose(0, 0, 3))}[key]()
        buffer.copy_(start)
        inputs[f"start_{key}"] = start
    scale, shift = (1.0, 0.0) if dtype == "float32" else (1.5, 0.7)  # float32 where PyTorch is accurate
    steps = (0, 1, 2) if list(layer.buffers()) else (2,)
    for step in steps:
        inputs[f"x{step}"] = normal(shape, dtype, scale, shift)
        x = inputs[f"x{step}"].clone().requires_grad_()
        y = layer(x)
    leaves = {"x2": x, **dict(layer.named_parameters())}
    tensors = {"y": y, "cotangent": normal(shape, dtype).requires_grad_()}
    grads = torch.autograd.grad(y, list(leaves.values()), tensors["cotangent"], create_graph=second_order)
    short = lambda key: "x" if key == "x2" else key
    tensors.update({f"grad_{short(k)}": g for k, g in zip(leaves, grads)})
    if second_order:
        directions = [normal(g.shape, dtype) for g in grads]
        tensors.update({f"direction_{short(k)}": r for k, r in zip(leaves, directions)})
        sources = {**leaves, "cotangent": tensors["cotangent"]}
        total = sum((g * r).sum() for g, r in zip(grads, directions))
        seconds = torch.autograd.grad(total, list(sources.values()), allow_unused=True)
        tensors.update({f"grad2_{short(k)}": g for k, g in zip(sources, seconds) if g is not None})
    tensors.update(layer.named_buffers())
    numpy = lambda values: {k: v.numpy(force=True) for k, v in values.items()}
    golden.add(name, {**args, "training": training}, numpy(inputs), numpy(tensors), dtype)


AFFINE = [(True, True), (True, False), (False, True)]  # affine, bias
MODES = list(itertools.product((True, False), (True, False)))  # track_running_stats, training

BATCH = [("BatchNorm1d", (5, 3)), ("BatchNorm1d", (4, 3, 7)), ("BatchNorm1d", (1, 3, 5)), ("BatchNorm2d", (2, 3, 4, 5)),
         ("BatchNorm2d", (1, 5, 3, 3)), ("BatchNorm2d", (3, 1, 7, 1)), ("BatchNorm2d", (4, 2, 1, 1)),
         ("BatchNorm3d", (2, 3, 2, 3, 2)), ("BatchNorm3d", (1, 2, 3, 1, 5))]
for (name, shape), (track, training), (affine, bias) in itertools.product(BATCH, MODES, AFFINE):
    record(name, shape, choose("float64", "float64", "float32"), training, second_order=random.random() < 0.3,
           num_features=shape[1], eps=choose(1e-5, 1e-5, 1e-3, 0.1), momentum=choose(0.1, 0.3, None), affine=affine,
           bias=bias, track_running_stats=track)
for momentum in (0.0, 1.0, None, 0.9):
    for dtype in ("float64", "float32"):
        record("BatchNorm2d", (2, 3, 2, 2), dtype, True, num_features=3, eps=1e-5, momentum=momentum, affine=True,
               bias=True, track_running_stats=True)
for name, shape, eps, training in [("BatchNorm2d", (2, 3, 3, 3), 0.0, False), ("BatchNorm1d", (2, 3), 1e-12, True),
                                   ("BatchNorm1d", (1, 3), 1e-5, False), ("BatchNorm2d", (1, 3, 1, 1), 1e-5, False),
                                   ("BatchNorm2d", (2, 17, 3, 3), 1e-5, True), ("BatchNorm2d", (2, 33, 2, 1), 1e-5, True)]:
    record(name, shape, "float64", training, num_features=shape[1], eps=eps, momentum=0.1, affine=True, bias=True,
           track_running_stats=True)

INSTANCE = [("InstanceNorm1d", (2, 3, 7)), ("InstanceNorm1d", (3, 5)), ("InstanceNorm1d", (1, 3, 13)),
            ("InstanceNorm2d", (2, 3, 4, 5)), ("InstanceNorm2d", (3, 5, 5)), ("InstanceNorm2d", (3, 1, 3, 3)),
            ("InstanceNorm3d", (2, 2, 2, 3, 2)), ("InstanceNorm3d", (3, 2, 2, 2))]  # (3, 5) and such: without a batch
for (name, shape), (track, training), affine in itertools.product(INSTANCE, MODES, (True, False)):
    batched = len(shape) == int(name[-2]) + 2
    record(name, shape, choose("float64", "float64", "float32"), training, second_order=random.random() < 0.3,
           num_features=shape[1 if batched else 0], eps=choose(1e-5, 1e-3, 0.1), momentum=choose(0.1, 0.1, 0.3, None),
           affine=affine, bias=choose(True, True, False), track_running_stats=track)
record("InstanceNorm2d", (2, 3, 1, 1), "float64", False, num_features=3, eps=1e-5, momentum=0.1, affine=True, bias=True,
       track_running_stats=True)

record("InstanceNorm2d", (2, 3, 3, 2), "float64", True, num_features=3, eps=1e-5, momentum=None, affine=True, bias=True,
       track_running_stats=True)  # its statistics never move

GROUP = [((5, 6), (1, 2, 3)), ((2, 6, 7), (1, 3, 6)), ((2, 6, 3, 3), (1, 2, 3, 6)), ((1, 4, 5, 3), (1, 2, 4)),
         ((2, 4, 2, 2, 3), (1, 2, 4)), ((3, 1, 3, 3), (1,)), ((2, 4, 1, 1), (2, 4)), ((2, 15, 3, 1), (5,))]
for shape, groups in GROUP:
    for num_groups, (affine, bias) in itertools.product(groups, AFFINE):
        values = np.prod(shape[1:]) // num_groups  # two in float32: PyTorch's gradient has lost its digits
        dtype = choose("float64", "float64", "float32") if values > 2 else "float64"
        record("GroupNorm", shape, dtype, choose(True, False),
               second_order=random.random() < 0.3, num_groups=num_groups, num_channels=shape[1],
               eps=choose(1e-5, 1e-3, 0.1), affine=affine, bias=bias)
record("GroupNorm", (2, 6, 3, 3), "float64", True, num_groups=2, num_channels=6, eps=0.0, affine=True, bias=True)

LAYER = [((3, 5), 1), ((2, 3, 7), 1), ((2, 3, 7), 2), ((2, 3, 4, 5), 1), ((2, 3, 4, 5), 2), ((2, 3, 4, 5), 3), ((13,), 1),
         ((2, 3, 2, 3, 2), 3), ((4, 1), 1), ((3, 33), 1), ((1, 3, 3, 3), 4)]
for (shape, rank), (affine, bias) in itertools.product(LAYER, AFFINE):
    record("LayerNorm", shape, choose("float64", "float64", "float32"), choose(True, False),
           second_order=random.random() < 0.4, normalized_shape=list(shape[-rank:]), eps=choose(1e-5, 1e-3, 0.1),
           elementwise_affine=affine, bias=bias)
record("LayerNorm", (2, 3, 5), "float64", True, normalized_shape=[3, 5], eps=0.0, elementwise_affine=True, bias=True)

golden.save()
