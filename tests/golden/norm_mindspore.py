"""Normalization layers as MindSpore computes them on a CPU, in float32: three steps, gradients of the third."""

import itertools

import mindspore as ms
import numpy as np

from golden import Golden

ms.set_context(mode=ms.PYNATIVE_MODE)
ms.set_device("CPU")
random = np.random.default_rng(20240604)
golden = Golden("norm_mindspore.safetensors", __file__, "MindSpore 2.10.0",
                {"mindspore": ms.__version__, "numpy": np.__version__})
PARAMETERS = {"gamma": "weight", "beta": "bias"}
BUFFERS = {"moving_mean": "running_mean", "moving_variance": "running_var"}


def normal(shape, scale=1.0, shift=0.0):
    return np.asarray(random.standard_normal(shape) * scale + shift).astype(np.float32)


def choose(*options):
    return options[random.integers(len(options))]


def record(name, shape, training, **args):
    layer = getattr(ms.nn, name)(**args).set_train(training)
    owner = layer.bn2d if name == "BatchNorm3d" else layer
    trained = args.get("affine", True)
    inputs = {}
    for ours, key in PARAMETERS.items() if trained else ():
        inputs[key] = normal(getattr(owner, ours).shape, 0.6, 1.2 if ours == "gamma" else -0.3)
        getattr(owner, ours).set_data(ms.Tensor(inputs[key].copy()))
    buffers = {k: v for k, v in BUFFERS.items() if hasattr(owner, k)}
    for ours, key in buffers.items():
        value = normal(getattr(owner, ours).shape)
        inputs[f"start_{key}"] = value if ours == "moving_mean" else value**2 + np.float32(0.3)
        getattr(owner, ours).set_data(ms.Tensor(inputs[f"start_{key}"].copy()))
    for step in (0, 1) if buffers else ():
        inputs[f"x{step}"] = normal(shape)
        layer(ms.Tensor(inputs[f"x{step}"]))
    inputs["x2"] = normal(shape)
    cotangent = ms.Tensor(normal(shape))

    def weighed(x):
        y = layer(x)
        return (y * cotangent).sum(), y

    weights = [getattr(owner, ours) for ours in PARAMETERS] if trained else None
    (_, y), grads = ms.value_and_grad(weighed, 0, weights, has_aux=True)(ms.Tensor(inputs["x2"]))
    grad_x, grad_weights = grads if trained else (grads, ())
    results = {"y": y, "cotangent": cotangent, "grad_x": grad_x}
    results.update({f"grad_{key}": g for key, g in zip(PARAMETERS.values(), grad_weights)})
    results.update({key: getattr(owner, ours) for ours, key in buffers.items()})
    golden.add(name, {**args, "training": training}, inputs, {k: v.asnumpy() for k, v in results.items()}, "float32")


BATCH = [("BatchNorm1d", (5, 3)), ("BatchNorm1d", (4, 3, 7)), ("BatchNorm1d", (1, 3, 5)), ("BatchNorm2d", (2, 3, 4, 5)),
         ("BatchNorm2d", (1, 5, 3, 3)), ("BatchNorm2d", (4, 2, 1, 1)), ("BatchNorm3d", (2, 3, 2, 3, 2)),
         ("BatchNorm3d", (1, 2, 3, 1, 5))]


def batch_norm(name, shape, statistics, training, affine=True, momentum=0.9, eps=1e-5):
    args = {"num_features": shape[1], "eps": eps, "momentum": momentum, "affine": affine,
            "use_batch_statistics": statistics}
    record(name, shape, training, **args, **({} if affine else {"gamma_init": 2.0, "beta_init": 0.5}))


for (name, shape), statistics, training in itertools.product(BATCH, (None, True, False), (True, False)):
    batch_norm(name, shape, statistics, training, choose(True, True, False), choose(0.9, 0.5, 0.1), choose(1e-5, 1e-3, 0.1))
for momentum in (0.0, 1.0, 0.99):
    batch_norm("BatchNorm2d", (2, 3, 3, 2), None, True, momentum=momentum)
for statistics, training in [(None, True), (None, False), (False, True), (True, False)]:
    batch_norm("BatchNorm2d", (2, 3, 3, 2), statistics, training, affine=False)

for shape, groups in [((5, 6), (1, 2)), ((2, 6, 7), (1, 3, 6)), ((2, 6, 3, 3), (1, 2, 3, 6)), ((1, 4, 5, 3), (2,)),
                      ((2, 4, 2, 2, 3), (1, 2, 4))]:
    for num_groups in groups:
        affine = choose(True, True, False)
        record("GroupNorm", shape, choose(True, False), num_groups=num_groups, num_channels=shape[1],
               eps=choose(1e-5, 1e-3, 0.1), affine=affine, **({} if affine else {"gamma_init": 2.0, "beta_init": 0.5}))

for shape, norm_axis, params_axis in [((3, 5), -1, -1), ((2, 3, 7), -1, -1), ((2, 3, 7), 1, 1), ((2, 3, 7), 2, 1),
                                      ((2, 3, 4, 5), 1, 1), ((2, 3, 4, 5), 2, 2), ((2, 3, 4, 5), 2, 1),
                                      ((2, 3, 4, 5), 3, 1), ((2, 3, 4, 5), 1, 3), ((2, 3, 2, 3, 2), 2, 2)]:
    record("LayerNorm", shape, choose(True, False), normalized_shape=list(shape[params_axis:]), begin_norm_axis=norm_axis,
           begin_params_axis=params_axis, epsilon=choose(1e-7, 1e-5, 1e-3))

golden.save()
