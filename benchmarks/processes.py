"""What only fresh processes show: peak memory of a training step, and the time from start to the first step."""

import statistics
import subprocess
import sys
import time
from pathlib import Path

from contest import Server

RESNET = "net=resnet20 norm=batch batch=128"
LENET = "net=lenet batch=128"
TORCH_SIDE = Path(__file__).resolve().parent / "torch_side.py"
MIB = 2**20


def memory(rows_program, folder):
    """Bytes: ours, and PyTorch's in its thriftier mode, whole and above what importing it takes."""
    server = Server(rows_program)
    server.ask("threads", 2)
    server.ask("load", folder, RESNET)
    server.ask("time", 5)
    ours = int(server.ask("memory"))
    server.close()
    theirs = []
    for mode in ("eager NCHW", "eager channels_last"):
        command = [sys.executable, TORCH_SIDE, "memory", RESNET, folder, mode]
        peak, imported = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        theirs.append((peak, imported))
    peak, imported = min(theirs)
    return ours, peak, imported


def first_step(rows_program, folder, runs):
    """Seconds from the start of a process to its first step of LeNet: ours and PyTorch's, medians."""

    def ours():
        server = Server(rows_program)
        server.ask("load", folder, LENET)
        server.ask("time", 1)
        return server

    def theirs():
        subprocess.run([sys.executable, TORCH_SIDE, "first-step", LENET, folder], check=True,
                       stdout=subprocess.DEVNULL)

    times = {ours: [], theirs: []}
    for _ in range(runs):
        for side in times:
            start = time.perf_counter()
            server = side()
            times[side].append(time.perf_counter() - start)
            if server:
                server.close()
    return statistics.median(times[ours]), statistics.median(times[theirs])


def table(rows_program, folder, runs):
    ours, theirs, imported = memory(rows_program, folder)
    start_ours, start_theirs = first_step(rows_program, folder, runs)
    above = theirs - imported
    return [
        "| what | ours | PyTorch | ours / PyTorch | at most |",
        "|---|---|---|---|---|",
        f"| peak memory of the ResNet-20 step | {ours / MIB:.0f} MiB | {theirs / MIB:.0f} MiB | "
        f"{ours / theirs:.2f} | 0.45 |",
        f"| the same, PyTorch's above its import | {ours / MIB:.0f} MiB | {above / MIB:.0f} MiB | "
        f"{ours / above:.2f} | 0.8 |",
        f"| process start to the first LeNet step | {start_ours * 1e3:.0f} ms | {start_theirs * 1e3:.0f} ms | "
        f"{start_ours / start_theirs:.3f} | 0.05 |",
    ]
