"""Builds the programs that are measured."""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FOLDER = ROOT / "build" / "benchmarks"


def configure(folder, *options):
    subprocess.run(["cmake", "-S", ROOT, "-B", folder, "-G", "Ninja", "-DCMAKE_BUILD_TYPE=Release",
                    "-DEVENKEEL_BUILD_TESTS=OFF", "-DEVENKEEL_BUILD_EXAMPLES=OFF", *options],
                   check=True, stdout=subprocess.DEVNULL)


def build(folder, *targets):
    subprocess.run(["cmake", "--build", folder, "--target", *targets], check=True)


def programs(torch_package, options):
    """Paths of `rows` and, where it can be built, `rows_libtorch`."""
    configure(FOLDER, "-DEVENKEEL_BUILD_BENCHMARKS=ON", f"-DEVENKEEL_LIBTORCH={torch_package}", *options)
    build(FOLDER, "rows")
    try:
        build(FOLDER, "rows_libtorch")
    except subprocess.CalledProcessError:
        return FOLDER / "benchmarks" / "rows", None
    return FOLDER / "benchmarks" / "rows", FOLDER / "benchmarks" / "rows_libtorch"
