"""Reads safetensors files with nothing but torch, and compares what both sides computed."""

import json
import struct

import torch

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64, "U8": torch.uint8}


def read(path):
    data = bytearray(path.read_bytes())
    length = struct.unpack_from("<Q", data)[0]
    tensors = {}
    for name, entry in json.loads(data[8:8 + length]).items():
        if name == "__metadata__":
            continue
        begin, end = (8 + length + offset for offset in entry["data_offsets"])
        flat = torch.frombuffer(data[begin:end], dtype=DTYPES[entry["dtype"]]) if end > begin else torch.empty(0)
        tensors[name] = flat.reshape(entry["shape"])
    return tensors


def relative_error(got, expected):
    """The largest difference, relative to the largest expected value."""
    got, expected = got.detach().double(), expected.detach().double()
    largest = expected.abs().max().item()
    error = (got - expected).abs().max().item()
    return error / largest if largest > 0 else error


def difference(ours, theirs, tolerance):
    """What differs, as text; empty where all results agree. The tolerance is a number, or one for each name."""
    if ours.keys() != theirs.keys():
        return f"different results: {sorted(ours.keys() ^ theirs.keys())}"
    for name, expected in theirs.items():
        if ours[name].shape != expected.shape:
            return f"{name}: {list(ours[name].shape)} and {list(expected.shape)}"
        error = relative_error(ours[name], expected)
        if not error <= (tolerance[name] if isinstance(tolerance, dict) else tolerance):
            return f"{name} by {error:.1e} of its largest value"
    return ""
