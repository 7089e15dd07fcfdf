"""Reads every golden file back and checks that it is whole; prints what it holds."""

import collections

import numpy as np

from golden import DATA, load


def check_case(case, tensors):
    """tensors: name -> value, of this case alone."""
    for name, value in tensors.items():
        assert value.dtype in (np.float64, np.float32, np.int64, np.uint8), name
        assert np.all(np.isfinite(value)), name
    assert set(case["inputs"]) <= set(tensors)
    for prefix in ("grad_", "grad2_", "direction_"):
        for name in (n for n in tensors if n.startswith(prefix)):
            key = name.removeprefix(prefix)
            of = tensors["x2" if key == "x" and "x2" in tensors else key]
            assert tensors[name].shape == of.shape and tensors[name].dtype == of.dtype, name
    if "cotangent" in tensors:
        assert tensors["cotangent"].shape == tensors["y"].shape
    if "grad2_cotangent" in tensors:  # sum_k <grad_k, r_k> is linear in the cotangent
        grads = [n for n in tensors if n.startswith("direction_")]
        terms = [tensors[n.replace("direction_", "grad_")].astype(float) * tensors[n] for n in grads]
        expected = sum(t.sum() for t in terms)
        scale = 1 + sum(np.abs(t).sum() for t in terms)
        actual = (tensors["cotangent"].astype(float) * tensors["grad2_cotangent"]).sum()
        assert abs(actual - expected) < scale * (1e-12 if case["dtype"] == "float64" else 1e-5), (actual, expected)


for path in sorted(DATA.glob("*.safetensors")):
    metadata, tensors = load(path)
    by_case = collections.defaultdict(dict)
    for key, value in tensors.items():
        case, name = key.split("/")
        by_case[case][name] = value
    names = [case["name"] for case in metadata["cases"]]
    assert len(set(names)) == len(names) and set(by_case) <= set(names), path
    for case in metadata["cases"]:
        try:
            check_case(case, by_case[case["name"]])
        except AssertionError as error:
            raise SystemExit(f"{path.name}: {case}: {error!r}")
    ops = collections.Counter(case["op"] for case in metadata["cases"])
    print(f"{path.name}: {metadata['source']}, {len(names)} cases, {len(tensors)} tensors, {path.stat().st_size} bytes")
    print("   ", ", ".join(f"{op} {count}" for op, count in ops.items()))
