"""Normalization by its definition, in NumPy float64: what MindSpore's dialect promises and MindSpore cannot run
on a CPU (InstanceNorm, NHWC, float64), and the biased running variance of its releases up to 2.4."""

import itertools

import numpy as np

from golden import Golden

random = np.random.default_rng(20240605)


def column(values, x, channel):
    """Per-channel values, shaped to broadcast with x."""
    return values.reshape([-1 if axis == channel else 1 for axis in range(x.ndim)])


def normalize(x, gamma, beta, axes, eps, given=None):
    """y, and the function cotangent -> (grad_x, grad_gamma, grad_beta); gamma and beta broadcast with x, their
    gradients have x's shape. `given` replaces the moments over `axes`, which then are constants."""
    mean, var = given or (x.mean(axes, keepdims=True), x.var(axes, keepdims=True))
    invstd = 1 / np.sqrt(var + eps)
    normalized = (x - mean) * invstd

    def backward(cotangent):
        g = cotangent * gamma
        if given is None:
            g = g - g.mean(axes, keepdims=True) - normalized * (g * normalized).mean(axes, keepdims=True)
        return g * invstd, cotangent * normalized, cotangent + 0 * x

    return normalized * gamma + beta, backward


def check_gradient(f, x, cotangent, grad):
    """The directional derivative against central differences."""
    direction, h = np.random.default_rng(0).standard_normal(x.shape), 1e-6
    numeric = (cotangent * (f(x + h * direction) - f(x - h * direction))).sum() / (2 * h)
    assert abs(numeric - (grad * direction).sum()) < 1e-6 * (1 + np.abs(grad * direction).sum())


class Batch:
    """Running statistics of a BatchNorm: MindSpore's momentum weighs the old value."""

    def __init__(self, mean, var, momentum, biased):
        self.mean, self.var, self.momentum, self.biased = mean, var, momentum, biased

    def blend(self, x, axes):
        n = x.size // self.mean.size
        correction = 0 if self.biased or n == 1 else 1  # one value: its variance is 0, no division by 0
        keep = lambda old, new: self.momentum * old + (1 - self.momentum) * new
        self.mean, self.var = keep(self.mean, x.mean(axes)), keep(self.var, x.var(axes, ddof=correction))


def main():
    golden = Golden("norm_definition.safetensors", __file__, "definition", {"numpy": np.__version__})

    def choose(*options):
        return options[random.integers(len(options))]

    def draw(shape, dtype, scale=1.0, shift=0.0):
        return (random.standard_normal(shape) * scale + shift).astype(dtype)

    def record(name, shape, dtype, channel, axes, args, training, gamma_init=1.0, beta_init=0.0, running=None):
        """Computes in float64 from inputs of `dtype`, rounds the results to `dtype`."""
        parameters = [shape[channel]]
        wide = lambda value: value.astype(np.float64)
        inputs = {}
        if args["affine"]:
            inputs = {"weight": draw(parameters, dtype, 0.6, 1.2), "bias": draw(parameters, dtype, 0.6, -0.3)}
        state = None
        if running:
            inputs["start_running_mean"] = draw(parameters, dtype)
            inputs["start_running_var"] = draw(parameters, dtype) ** 2 + np.asarray(0.3, dtype)
            state = Batch(wide(inputs["start_running_mean"]), wide(inputs["start_running_var"]), args["momentum"],
                          args["running_variance"] == "biased")
        batch_statistics = {None: training, True: True, False: False}[args.get("use_batch_statistics", True)]
        for step in (0, 1, 2) if running else (2,):
            inputs[f"x{step}"] = draw(shape, dtype, 1.5, 0.7)
            x = wide(inputs[f"x{step}"])
            if running and batch_statistics:
                state.blend(x, axes)
        gamma, beta = (column(wide(inputs[k]), x, channel) if k in inputs else init
                       for k, init in (("weight", gamma_init), ("bias", beta_init)))
        given = None if batch_statistics else (column(state.mean, x, channel), column(state.var, x, channel))
        if name == "GroupNorm":  # statistics of groups of channels: [N, G, C / G, ...]
            inner = (shape[0], args["num_groups"], -1, *shape[2:])
            reshape = lambda v: np.broadcast_to(v, shape).reshape(inner)
            f = lambda x: normalize(reshape(x), reshape(gamma), reshape(beta), tuple(range(2, len(shape) + 1)), args["eps"])
        else:
            f = lambda x: normalize(x, gamma, beta, axes, args["eps"], given)
        cotangent = draw(shape, dtype)
        y, backward = f(x)
        grads = [g.reshape(shape) for g in backward(wide(cotangent).reshape(y.shape))]
        check_gradient(lambda x: f(x)[0].reshape(shape), x, wide(cotangent), grads[0])
        others = tuple(axis for axis in range(len(shape)) if axis != channel)
        tensors = {"y": y.reshape(shape), "grad_x": grads[0]}
        if args["affine"]:
            tensors.update(grad_weight=grads[1].sum(others), grad_bias=grads[2].sum(others))
        if running:
            tensors.update(running_mean=state.mean, running_var=state.var)
        tensors = {k: v.astype(dtype) for k, v in tensors.items()}
        golden.add(name, {**args, "training": training}, inputs, {**tensors, "cotangent": cotangent}, dtype)

    def instance_norm(shape, dtype, affine, training, eps):
        name = f"InstanceNorm{len(shape) - 2}d"
        args = {"num_features": shape[1], "eps": eps, "momentum": 0.1, "affine": affine}
        constants = {} if affine else {"gamma_init": 2.0, "beta_init": 0.5}
        record(name, shape, dtype, 1, tuple(range(2, len(shape))), {**args, **constants}, training, **constants)

    def batch_norm(shape, dtype, statistics, training, variance="unbiased", layout="NCHW", affine=True, momentum=0.9,
                   eps=1e-5):
        name = f"BatchNorm{max(1, len(shape) - 2)}d"
        channel = 1 if layout == "NCHW" else len(shape) - 1
        args = {"num_features": shape[channel], "eps": eps, "momentum": momentum, "affine": affine,
                "use_batch_statistics": statistics, "data_format": layout, "running_variance": variance}
        constants = {} if affine else {"gamma_init": 2.0, "beta_init": 0.5}
        axes = tuple(axis for axis in range(len(shape)) if axis != channel)
        record(name, shape, dtype, channel, axes, {**args, **constants}, training, **constants, running=True)

    for shape, affine, training in itertools.product([(2, 3, 7), (1, 3, 5), (2, 3, 4, 5), (3, 1, 3, 3), (2, 2, 2, 3, 2)],
                                                     (True, False), (True, False)):
        instance_norm(shape, choose("float64", "float32"), affine, training, choose(1e-5, 1e-3, 0.1))
    instance_norm((2, 3, 1, 1), "float64", True, True, 1e-5)  # one value: beta, no error

    modes = list(itertools.product((None, True, False), (True, False)))
    for shape, (statistics, training) in itertools.product([(2, 4, 5, 3), (1, 3, 3, 5), (4, 1, 1, 2)], modes):
        batch_norm(shape, choose("float64", "float32"), statistics, training, layout="NHWC", affine=choose(True, True, False),
                   momentum=choose(0.9, 0.5), eps=choose(1e-5, 1e-3))
    for shape, (statistics, training) in itertools.product([(5, 3), (2, 3, 7), (2, 3, 4, 5), (2, 2, 2, 3, 2)], modes[:4]):
        batch_norm(shape, "float64", statistics, training, affine=choose(True, False), momentum=choose(0.9, 0.3))
    for shape, momentum in itertools.product([(5, 3), (2, 3), (2, 3, 4, 5), (1, 2, 2, 1, 1)], (0.9, 0.1)):
        batch_norm(shape, choose("float64", "float32") if shape != (2, 3) else "float64", None, True, variance="biased",
                   momentum=momentum, eps=0.1 if shape[0] < 3 else 1e-5)
    batch_norm((2, 3, 4, 5), "float64", None, True, variance="biased", layout="NCHW", momentum=1.0)
    batch_norm((2, 4, 5, 3), "float64", None, True, variance="biased", layout="NHWC", momentum=0.0)
    for variance in ("unbiased", "biased"):  # one value per channel: y is beta, a variance of 0 is blended in
        batch_norm((1, 3, 1, 1), "float64", None, True, variance=variance)
        batch_norm((1, 3), "float64", None, True, variance=variance)

    for shape, num_groups, affine in [((2, 6, 3, 3), 2, True), ((2, 6, 3, 3), 6, False), ((1, 4, 5), 2, True),
                                      ((5, 6), 1, True), ((2, 4, 2, 2, 3), 4, True)]:
        constants = {} if affine else {"gamma_init": 2.0, "beta_init": 0.5}
        args = {"num_groups": num_groups, "num_channels": shape[1], "eps": choose(1e-5, 1e-3), "affine": affine}
        record("GroupNorm", shape, "float64", 1, None, {**args, **constants}, choose(True, False), **constants)

    golden.save()


if __name__ == "__main__":
    main()
