"""Writes and reads the golden files: safetensors whose bytes depend on the values alone."""

import json
import pathlib
import struct

import numpy as np

DATA = pathlib.Path(__file__).parent / "data"
DTYPES = {"float64": "F64", "float32": "F32", "int64": "I64", "uint8": "U8"}


class Golden:
    """Collects cases: a name, an op, its arguments and tensors named "<case>/<tensor>"."""

    def __init__(self, file, generator, source, versions):
        self.path = DATA / file
        self.metadata = {"generator": pathlib.Path(generator).name, "source": source, **versions}
        self.cases, self.tensors = [], {}

    def add(self, op, args, inputs, tensors, dtype, **more):
        """inputs and tensors: name -> array; whatever a test feeds is an input."""
        name = f"{op}_{sum(case['op'] == op for case in self.cases):03d}"
        self.cases.append({"name": name, "op": op, "args": args, "inputs": list(inputs), "dtype": dtype, **more})
        for key, value in {**inputs, **tensors}.items():
            self.tensors[f"{name}/{key}"] = np.array(value, order="C")

    def save(self):
        metadata = {**self.metadata, "cases": json.dumps(self.cases, allow_nan=False, separators=(",", ":"))}
        header, offset = {"__metadata__": metadata}, 0
        order = sorted(self.tensors, key=lambda key: (-self.tensors[key].itemsize, key))  # keeps all aligned
        for key in order:
            value = self.tensors[key]
            header[key] = {"dtype": DTYPES[str(value.dtype)], "shape": list(value.shape),
                           "data_offsets": [offset, offset + value.nbytes]}
            offset += value.nbytes
        text = json.dumps(header, separators=(",", ":")).encode()
        text += b" " * (-len(text) % 8)
        DATA.mkdir(exist_ok=True)
        with open(self.path, "wb") as file:
            file.write(struct.pack("<Q", len(text)) + text)
            for key in order:
                file.write(self.tensors[key].tobytes())
        print(f"{self.path.name}: {len(self.cases)} cases, {self.path.stat().st_size} bytes")


def load(path):
    """Metadata with parsed cases, and the tensors: read back by the reference implementation."""
    from safetensors import safe_open

    with safe_open(path, framework="numpy") as file:
        metadata = dict(file.metadata())
        tensors = {key: file.get_tensor(key) for key in file.keys()}
    metadata["cases"] = json.loads(metadata["cases"])
    return metadata, tensors
