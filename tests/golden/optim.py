"""Optimizer trajectories, learning rate schedules and gradient clipping as PyTorch computes them."""

import numpy as np
import torch
from torch.optim import lr_scheduler as schedules

from golden import Golden

torch.set_num_threads(1)
random = np.random.default_rng(20240602)
golden = Golden("optim.safetensors", __file__, "PyTorch 2.13.0",
                {"torch": torch.__version__, "numpy": np.__version__})
SHAPES = {"a": (2, 3), "b": (4,)}
STEPS = 100


def start_values():
    return {k: torch.from_numpy(random.standard_normal(s)).requires_grad_() for k, s in SHAPES.items()}


def trajectory(optimizer, absent=(), **args):
    """Feeds given gradients; `absent` lists the steps at which parameter b has none."""
    parameters = start_values()
    start = {f"start_{k}": p.detach().numpy().copy() for k, p in parameters.items()}
    grads = {k: random.standard_normal((STEPS, p.numel())) for k, p in parameters.items()}
    values = {k: [] for k in parameters}
    subject = getattr(torch.optim, optimizer)(list(parameters.values()), foreach=False, **args)
    for step in range(STEPS):
        for k, p in parameters.items():
            p.grad = torch.from_numpy(grads[k][step]).reshape(p.shape).clone()
        if step in absent:
            parameters["b"].grad = None
        subject.step()
        for k, p in parameters.items():
            values[k].append(p.detach().numpy().flatten().copy())
    golden.add(optimizer, {**args, **({"absent": list(absent)} if absent else {})},
               {**start, **{f"grads_{k}": v for k, v in grads.items()}},
               {f"values_{k}": np.stack(v) for k, v in values.items()}, "float64")


trajectory("SGD", lr=0.1)
trajectory("SGD", lr=0.05, momentum=0.9)
trajectory("SGD", lr=0.05, momentum=0.9, dampening=0.3)
trajectory("SGD", lr=0.05, momentum=0.9, nesterov=True)
trajectory("SGD", lr=0.05, weight_decay=0.1)
trajectory("SGD", lr=0.05, maximize=True)
trajectory("SGD", lr=0.05, momentum=0.9, weight_decay=5e-4)
trajectory("SGD", lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01)
trajectory("SGD", lr=0.05, momentum=0.5, dampening=0.5, weight_decay=0.01, maximize=True)
trajectory("SGD", lr=0.05, momentum=0.9, nesterov=True, weight_decay=0.01, maximize=True)
trajectory("SGD", lr=0.05, dampening=0.5)  # without momentum it has no effect
trajectory("SGD", lr=0.05, momentum=0.9, dampening=0.3, weight_decay=0.01, absent=[0, 1, 5])
for optimizer in ("Adam", "AdamW"):
    trajectory(optimizer)
    trajectory(optimizer, lr=0.01)
    trajectory(optimizer, lr=0.01, betas=[0.8, 0.95])
    trajectory(optimizer, lr=0.01, eps=1e-3)
    trajectory(optimizer, lr=0.01, weight_decay=0.1)
    trajectory(optimizer, lr=0.01, weight_decay=0.0)
    trajectory(optimizer, lr=0.01, amsgrad=True)
    trajectory(optimizer, lr=0.01, maximize=True)
    trajectory(optimizer, lr=0.01, betas=[0.5, 0.9], amsgrad=True, weight_decay=0.05)
    trajectory(optimizer, lr=0.01, amsgrad=True, weight_decay=0.1, maximize=True)
    trajectory(optimizer, lr=0.01, betas=[0.0, 0.9], eps=1e-6)
    trajectory(optimizer, lr=0.01, weight_decay=0.1, absent=[0, 1, 5])


def build(optimizer, name, args):
    if name == "SequentialLR":
        parts = [build(optimizer, part["op"], part["args"]) for part in args["schedulers"]]
        return schedules.SequentialLR(optimizer, parts, args["milestones"])
    return getattr(schedules, name)(optimizer, **args)


def schedule(name, steps, base_lr=0.1, **args):
    """lr[i] and momentum[i] are what step i uses: entry 0 is read before the first scheduler step."""
    optimizer = torch.optim.SGD([torch.zeros(1, requires_grad=True)], lr=base_lr, momentum=0.9)
    subject = build(optimizer, name, args)
    lr, momentum = [], []
    for _ in range(steps):
        lr.append(optimizer.param_groups[0]["lr"])
        momentum.append(optimizer.param_groups[0]["momentum"])
        optimizer.step()
        if len(lr) < steps:
            subject.step()
    golden.add(name, {"base_lr": base_lr, "momentum": 0.9, **args}, {},
               {"lr": np.array(lr), "momentum": np.array(momentum)}, "float64")


schedule("StepLR", 40, step_size=10)
schedule("StepLR", 50, step_size=7, gamma=0.5)
schedule("StepLR", 40, base_lr=1.0, step_size=1, gamma=0.9)
schedule("MultiStepLR", 60, milestones=[10, 25, 50])
schedule("MultiStepLR", 40, milestones=[5, 5, 30], gamma=0.5)  # twice at 5
schedule("MultiStepLR", 40, milestones=[30, 10], gamma=0.3)  # unsorted
schedule("ExponentialLR", 100, gamma=0.95)
schedule("ExponentialLR", 40, base_lr=0.5, gamma=0.5)
schedule("CosineAnnealingLR", 51, T_max=50)
schedule("CosineAnnealingLR", 100, T_max=30, eta_min=0.001)  # beyond T_max it rises again
schedule("CosineAnnealingLR", 40, base_lr=0.5, T_max=7, eta_min=0.05)
for anneal_strategy in ("cos", "linear"):
    for three_phase in (False, True):
        schedule("OneCycleLR", 50, max_lr=0.5, total_steps=50, anneal_strategy=anneal_strategy, three_phase=three_phase)
schedule("OneCycleLR", 100, max_lr=1.0, total_steps=100, pct_start=0.2, div_factor=10.0, final_div_factor=100.0,
         base_momentum=0.8, max_momentum=0.99)
schedule("OneCycleLR", 60, max_lr=0.3, epochs=6, steps_per_epoch=10, three_phase=True, pct_start=0.4)
schedule("OneCycleLR", 40, max_lr=0.3, total_steps=40, cycle_momentum=False, anneal_strategy="linear")
schedule("LinearLR", 40)
schedule("LinearLR", 40, start_factor=0.1, end_factor=1.0, total_iters=10)
schedule("LinearLR", 40, start_factor=1.0, end_factor=0.2, total_iters=30)
schedule("LinearLR", 40, start_factor=0.01, total_iters=1)
warm_up = lambda iters: {"op": "LinearLR", "args": {"start_factor": 0.1, "end_factor": 1.0, "total_iters": iters}}
schedule("SequentialLR", 60, milestones=[10],
         schedulers=[warm_up(10), {"op": "CosineAnnealingLR", "args": {"T_max": 50, "eta_min": 0.001}}])
schedule("SequentialLR", 40, milestones=[5],
         schedulers=[warm_up(5), {"op": "StepLR", "args": {"step_size": 10, "gamma": 0.5}}])
schedule("SequentialLR", 70, milestones=[8, 40],
         schedulers=[warm_up(12), {"op": "CosineAnnealingLR", "args": {"T_max": 40}},
                     {"op": "ExponentialLR", "args": {"gamma": 0.9}}])


def clip(op, scale=1.0, dtype="float64", **args):
    parameters = [torch.zeros(s, dtype=getattr(torch, dtype), requires_grad=True) for s in SHAPES.values()]
    grads = {f"gradient_{k}": (random.standard_normal(s) * scale).astype(dtype) for k, s in SHAPES.items()}
    for p, g in zip(parameters, grads.values()):
        p.grad = torch.from_numpy(g.copy())
    limits = {k: float(v) for k, v in args.items()}
    norm = getattr(torch.nn.utils, op)(parameters, **limits)
    results = {f"clipped_{k}": p.grad.numpy() for k, p in zip(SHAPES, parameters)}
    golden.add(op, args, grads, results if norm is None else {**results, "norm": norm.numpy()}, dtype)


for norm_type in (1, 2, "inf", 3):
    clip("clip_grad_norm_", max_norm=1.0, norm_type=norm_type)
    clip("clip_grad_norm_", max_norm=100.0, norm_type=norm_type)  # nothing to clip
clip("clip_grad_norm_", max_norm=0.5, norm_type=2, dtype="float32")
clip("clip_grad_norm_", max_norm=1.0, norm_type=2, scale=1e-9)
clip("clip_grad_norm_", max_norm=1.0, norm_type=2, scale=0.0)
clip("clip_grad_norm_", max_norm=0.0, norm_type=2)
clip("clip_grad_value_", clip_value=0.5)
clip("clip_grad_value_", clip_value=10.0)
clip("clip_grad_value_", clip_value=0.25, dtype="float32")

golden.save()
