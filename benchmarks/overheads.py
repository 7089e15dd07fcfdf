"""What a user pays before anything is computed: a clean build, the header, the installed library."""

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from build import ROOT, build, configure

MIB = 2**20
SOURCE = "#include <{header}>\nint main() {{}}\n"
# In a process of its own: what getrusage says of a child includes the process that it was forked from.
RUN_AND_MEASURE = """
import resource, subprocess, sys, time
start = time.perf_counter()
subprocess.run(sys.argv[1:], check=True)
print(time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""


def clean_build(folder):
    """Seconds to build the library alone, on two cores, nothing cached. It is the shared one, to be installed."""
    configure(folder, "-DBUILD_SHARED_LIBS=ON")
    start = time.perf_counter()
    subprocess.run(["cmake", "--build", folder, "--target", "evenkeel", "--parallel", "2"], check=True,
                   stdout=subprocess.DEVNULL, env={**os.environ, "CCACHE_DISABLE": "1"})
    return time.perf_counter() - start


def installed_size(folder):
    """Bytes of the stripped library."""
    prefix = folder / "installed"
    build(folder, "evenkeel")
    subprocess.run(["cmake", "--install", folder, "--prefix", prefix, "--strip"], check=True,
                   stdout=subprocess.DEVNULL)
    return sum(file.stat().st_size for file in prefix.rglob("*evenkeel*.so*") if not file.is_symlink())


def compile_header(header, *includes):
    """Seconds, and peak bytes of the compiler, for a unit with this header alone."""
    with tempfile.TemporaryDirectory() as folder:
        unit = Path(folder) / "unit.cpp"
        unit.write_text(SOURCE.format(header=header))
        command = ["g++", "-std=c++20", "-O2", *(f"-I{include}" for include in includes), "-c", unit, "-o", os.devnull]
        result = subprocess.run([sys.executable, "-c", RUN_AND_MEASURE, *command], check=True, capture_output=True,
                                text=True, env={**os.environ, "CCACHE_DISABLE": "1"})
        seconds, kib = result.stdout.split()
        return float(seconds), int(kib) * 1024


def size_of_torch(package):
    return sum(file.stat().st_size for file in (package / "lib").glob("lib*.so*") if not file.is_symlink())


def table(torch_package):
    include = torch_package / "include"
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        seconds = clean_build(folder)
        size = installed_size(folder)
        ours = min(compile_header("evenkeel/evenkeel.h", folder / "include") for _ in range(3))
    theirs = compile_header("torch/torch.h", include, include / "torch/csrc/api/include")
    return [
        "| what | ours | LibTorch | at most |",
        "|---|---|---|---|",
        f"| clean build of the library, 2 cores | {seconds:.0f} s | - | 90 s |",
        f"| a unit that includes the header | {ours[0]:.2f} s, {ours[1] / MIB:.0f} MiB | "
        f"{theirs[0]:.1f} s, {theirs[1] / MIB:.0f} MiB | 1.5 s |",
        f"| installed library, stripped | {size / MIB:.1f} MiB | {size_of_torch(torch_package) / MIB:.0f} MiB | 5 MB |",
    ]
