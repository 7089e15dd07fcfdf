"""Where PyTorch comes from: this interpreter, or a virtual environment that is made for it, with nothing else."""

import importlib.util
import os
import subprocess
import sys
import venv

VERSION = "2.13.0"
CPU_INDEX = "https://download.pytorch.org/whl/cpu"  # tried where the default index has no such wheel


def ensure(folder):
    """Returns where torch is importable; elsewhere starts the program anew in an environment that has it."""
    if importlib.util.find_spec("torch") is not None:
        return
    python = folder / "bin" / "python"
    if not python.exists():
        print(f"making {folder} for PyTorch {VERSION}", file=sys.stderr)
        venv.create(folder, with_pip=True)
    has_torch = subprocess.run([python, "-c", "import torch"], stderr=subprocess.DEVNULL).returncode == 0
    if not has_torch:
        install = [python, "-m", "pip", "install", "--quiet", f"torch=={VERSION}"]
        if subprocess.run(install).returncode != 0:
            subprocess.run([*install, "--index-url", CPU_INDEX], check=True)
    os.execv(python, [python, *sys.argv])
