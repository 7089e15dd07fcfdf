"""Initial weights: the bounds of PyTorch's layers, the initializers of MindSpore by name.

python init.py torch | mindspore"""

import sys

import numpy as np

from golden import Golden


def pytorch():
    import torch

    torch.manual_seed(20240606)
    golden = Golden("init_torch.safetensors", __file__, "PyTorch 2.13.0",
                    {"torch": torch.__version__, "numpy": np.__version__})
    pair = lambda v: [v, v]
    layers = [("Linear", {"in_features": i, "out_features": o}) for i, o in [(1, 1), (4, 5), (17, 3), (784, 10), (3136, 64)]]
    layers += [("Conv2d", {"in_channels": i, "out_channels": o, "kernel_size": k, "groups": g})
               for i, o, k, g in [(1, 16, pair(3), 1), (3, 5, pair(1), 1), (16, 32, pair(5), 1), (16, 16, pair(3), 16),
                                  (6, 4, [1, 3], 2), (64, 64, pair(3), 1)]]
    for name, args in layers:
        weight, bias = [], []
        for _ in range(20):
            layer = getattr(torch.nn, name)(**args)
            weight.append(layer.weight.detach().numpy().flatten())
            bias.append(layer.bias.detach().numpy().flatten())
        weight, bias = np.concatenate(weight), np.concatenate(bias)
        fan_in = layer.weight[0].numel()
        gain = torch.nn.init.calculate_gain("leaky_relu", 5**0.5)  # kaiming_uniform_(a=sqrt(5))
        bounds = {"weight_bound": gain * (3 / fan_in) ** 0.5, "bias_bound": fan_in**-0.5}
        for values, bound in ((weight, bounds["weight_bound"]), (bias, bounds["bias_bound"])):
            assert 0.8 * bound < np.abs(values).max() <= bound * (1 + 1e-6), (name, args)
            assert abs(values.std() / (bound / 3**0.5) - 1) < 4 / values.size**0.5, (name, args)
        golden.add(name, args, {}, {k: np.float64(v) for k, v in bounds.items()}, "float64")
    golden.save()


def mindspore():
    import mindspore as ms
    from mindspore.common import initializer as init

    ms.set_seed(20240606)
    np.random.seed(20240606)
    golden = Golden("init_mindspore.safetensors", __file__, "MindSpore 2.10.0",
                    {"mindspore": ms.__version__, "numpy": np.__version__})

    def draw(what, shape):
        return init.initializer(what, shape, ms.float32).init_data().asnumpy()

    names = ["zeros", "zero", "ones", "one", "ONES", "Zeros", "normal", "uniform", "truncatednormal", "TruncatedNormal",
             "xavier_uniform", "xavieruniform", "XavierUniform", "xavier_normal", "xaviernormal", "he_uniform", "heuniform",
             "he_normal", "henormal", "HeNormal", "identity", "orthogonal", "dirac", "sparse", "variancescaling",
             "constant", "variance_scaling", "truncated_normal", "kaiming_uniform", "foo", ""]
    for name in names:
        for shape in [(8,), (8, 4), (8, 4, 3, 3)]:
            try:
                draw(name, shape)
                outcome = {"accepted": True}
            except (TypeError, ValueError) as error:
                outcome = {"accepted": False, "error": f"{type(error).__name__}: {error}"}
            golden.add("accepts", {"init": name, "shape": shape}, {}, {}, "float32", **outcome)
    for what, shape in [("zeros", (3,)), ("zero", (3,)), ("ones", (3,)), ("one", (3,)), (0.5, (3,)), (2, (2, 2)), (True, (3,)),
                        ("identity", (3, 3)), ("identity", (2, 4)), ("identity", (4, 2)), ("dirac", (3, 3, 3)),
                        ("dirac", (4, 2, 3, 3)), ("dirac", (2, 4, 3, 2))]:
        golden.add("value", {"init": what, "shape": shape}, {}, {"value": draw(what, shape)}, "float32")
    large = (1000, 400)
    distributions = [(name, name, {}) for name in ("normal", "uniform", "truncatednormal", "xavier_uniform", "xavier_normal",
                                                   "he_uniform", "he_normal", "variancescaling")]
    distributions += [("Normal", init.Normal, {"sigma": 0.5, "mean": 1.0}), ("Uniform", init.Uniform, {"scale": 0.2})]
    distributions += [("TruncatedNormal", init.TruncatedNormal, dict(zip(("sigma", "mean", "a", "b"), values)))
                      for values in [(1.0, 0.0, -2.0, 2.0), (2.0, 1.0, -2.0, 2.0), (0.5, 0.0, -0.25, 1.0)]]
    distributions += [("XavierUniform", init.XavierUniform, {"gain": 2.0}), ("XavierNormal", init.XavierNormal, {"gain": 2.0})]
    distributions += [("HeUniform", init.HeUniform, {"negative_slope": 0.2, "mode": "fan_out"}),
                      ("HeNormal", init.HeNormal, {"mode": "fan_out", "nonlinearity": "relu"})]
    distributions += [("VarianceScaling", init.VarianceScaling, {"scale": 2.0, "mode": m, "distribution": d})
                      for m, d in [("fan_in", "uniform"), ("fan_out", "untruncated_normal"), ("fan_avg", "truncated_normal")]]
    for shape in [large, (200, 50, 5, 8)]:
        for name, what, args in distributions:
            values = draw(what if isinstance(what, str) else what(**args), shape).astype(np.float64)
            facts = {"mean": values.mean(), "std": values.std(), "min": values.min(), "max": values.max()}
            golden.add("distribution", {"init": name, "shape": shape, **args}, {}, facts, "float32")
    golden.save()


{"torch": pytorch, "mindspore": mindspore}[sys.argv[1]]()
