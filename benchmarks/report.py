"""Writes down what was measured."""

import datetime
import platform
import re
import subprocess
from pathlib import Path


TRIED = Path(__file__).with_name("tried.md")


def machine():
    model = re.search(r"model name\s*: (.*)", Path("/proc/cpuinfo").read_text())
    flags = re.search(r"flags\s*: (.*)", Path("/proc/cpuinfo").read_text())
    has = flags.group(1).split() if flags else []
    widest = "AVX-512" if "avx512f" in has else "AVX2" if "avx2" in has else "no AVX2"
    memory = int(re.search(r"MemTotal:\s*(\d+)", Path("/proc/meminfo").read_text()).group(1)) / 2**20
    cores = subprocess.run(["nproc"], capture_output=True, text=True, check=True).stdout.strip()
    return f"{model.group(1) if model else platform.machine()}, {cores} cores, {widest}, {memory:.0f} GiB"


def commit():
    """The measured one, and whether files differ from it."""
    command = ["git", "-C", str(TRIED.parent), "describe", "--always", "--dirty", "--exclude", "*"]
    found = subprocess.run(command, capture_output=True, text=True)
    return found.stdout.strip() if found.returncode == 0 else "unknown"


def seconds(value, per_step):
    value /= per_step
    for unit, scale in (("s", 1), ("ms", 1e3), ("us", 1e6)):
        if value * scale >= 1:
            return f"{value * scale:.3g} {unit}"
    return f"{value * 1e9:.3g} ns"


def asked_of(row):
    if row.at_most is not None:
        return "at most " + seconds(row.at_most, 1)
    return "-" if row.ratio is None else f"{row.ratio:g}"


def meets(result):
    """None where nothing is asked."""
    row = result.row
    if row.at_most is not None:
        return not result.differs and result.ours <= row.at_most * row.per_step
    return None if row.ratio is None else not result.differs and result.ratio >= row.ratio


def row_line(result):
    row, asked = result.row, asked_of(result.row)
    if result.differs:
        return f"| {row.name} | {result.threads} | | | | DIFFERS: {result.differs} | {asked} | | |"
    verdict = {None: "", True: " ✓", False: " ✗"}[meets(result)]
    low, high = result.ratios
    return (f"| {row.name} | {result.threads} | {seconds(result.ours, row.per_step)} | "
            f"{seconds(result.theirs, row.per_step)} | {result.mode} | **{result.ratio:.2f}**{verdict} "
            f"({low:.2f} to {high:.2f}) | {asked} | {100 * result.spread:.0f} % | {of_roof(result)} |")


def of_roof(result):
    return f"{100 * result.roof / result.ours:.0f} %" if result.roof else "-"


HEAD = [
    "| row | threads | ours | theirs, best | its mode | ratio (quartiles) | asked | spread of ours | of the roof |",
    "|---|---|---|---|---|---|---|---|---|",
]


def rows(results):
    return HEAD + [row_line(result) for result in results]


def scaling(results, roofs):
    """1 -> 2 threads on the ResNet-20 step, beside what the roofs allow."""
    steps = {r.threads: r.ours for r in results if "ResNet-20, BatchNorm" in r.row.name and not r.differs}
    if not {1, 2} <= steps.keys() or len(roofs) < 2:
        return []
    one, two = roofs[0], roofs[1]
    return [f"ResNet-20 step, 1 -> 2 threads: {steps[1] / steps[2]:.2f}x (asked: 1.8x, or 0.95 of what the roofs allow). "
            f"The roofs: FMA {two[3] / one[3]:.2f}x, triad {two[2] / one[2]:.2f}x, copy {two[1] / one[1]:.2f}x."]


def roofline(roofs):
    lines = ["| threads | copy | triad | FMA, float32 |", "|---|---|---|---|"]
    return lines + [f"| {threads:.0f} | {copy:.1f} GB/s | {triad:.1f} GB/s | {fma:.0f} GFLOP/s |"
                    for threads, copy, triad, fma in roofs]


def summary(results):
    verdicts = [meets(result) for result in results]
    asked = len(verdicts) - verdicts.count(None)
    differing = sum(1 for result in results if result.differs)
    return [f"{verdicts.count(True)} of {asked} rows reach what is asked of them; {differing} differ.", "",
            "Of the roof: the time that the roofline below allows for the op by its definition (its products at the peak of FMA, or its "
            "tensors through main memory), as a share of our time. Winograd's convolution and the caches can do with less."]


def write(path, command, versions, sections):
    """`sections` are (title, lines)."""
    lines = ["# Results", "", f"`{command}`, {datetime.date.today()}. Times are medians over rounds in which the sides "
             "take turns; ratio is the median of theirs / ours, each of the same round.", ""]
    lines += [f"- {name}: {value}" for name, value in versions.items()]
    for title, body in sections:
        if body:
            lines += ["", f"## {title}", "", *body]
    lines += ["", "## What was tried", "", TRIED.read_text().rstrip()]
    path.write_text("\n".join(lines) + "\n")
