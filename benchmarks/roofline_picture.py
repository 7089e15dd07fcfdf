#!/usr/bin/env python3
"""Draws docs/roofline.svg: our kernels on one thread below the roof that this machine was measured to have.

    python3 benchmarks/roofline_picture.py
"""

import json
import math
import subprocess

import build

# How a benchmark's name starts, its label, and the operations that its definition asks for over the bytes of the
# arrays that it reads and writes.
KERNELS = [
    ("map/32x64x56x56", "relu", 1 / 8),
    ("zip_any/32x64x56x56", "add", 1 / 12),
    ("max_pool2d/32x64x56x56/channels_last", "max_pool2d", 3 / 21),
    ("normalize/batch/32x64x56x56/row_major", "BatchNorm", 7 / 8),
    ("normalize_backward/batch/32x64x56x56/row_major", "BatchNorm, backward", 11 / 12),
    ("linear/128x1568x128", "linear", 2 * 128 * 1568 * 128 / (4 * (2 * 128 * 1568 + 128 * 128))),
    ("conv2d/128x16x32x32/to:16/kernel:3/stride:1", "conv2d 3x3, 16 to 16", 2 * 9 * 16 / 8),
    ("conv2d/32x64x56x56/to:64/kernel:3/stride:1", "conv2d 3x3, 64 to 64", 2 * 9 * 64 / 8),
    ("conv2d_weight/32x64x56x56/to:64/kernel:3/stride:1", "its weight's gradient", 2 * 9 * 64 / 8),
]
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 760, 430, 62, 20, 20, 52
STYLE = """
  .roof { font: 12px system-ui, sans-serif }
  .roof text { fill: #57606a }
  .roof .grid { stroke: #d8dee4 }
  .roof .limit { stroke: #c9641c; stroke-width: 2; fill: none }
  .roof circle { fill: #1f5fd0 }
  @media (prefers-color-scheme: dark) { .roof text { fill: #c9d1d9 } .roof .grid { stroke: #30363d } }
"""


def measured():
    """(label, operations per byte, GFLOP/s) of the kernels."""
    program = build.FOLDER / "benchmarks" / "kernels"
    wanted = "|".join(start for start, _, _ in KERNELS)
    output = subprocess.run([program, "--benchmark_format=json", "--benchmark_min_time=0.2",
                             f"--benchmark_filter=^({wanted}).*threads:1"], check=True, capture_output=True, text=True).stdout
    runs = {run["name"]: run for run in json.loads(output[output.index("{"):])["benchmarks"]}
    points = []
    for start, label, intensity in KERNELS:
        run = next(run for name, run in runs.items() if name.startswith(start))
        points.append((label, intensity, run["GFLOP"] if "GFLOP" in run else intensity * run["GB"]))
    return points


def roof():
    """GB/s and GFLOP/s of one thread."""
    program = build.FOLDER / "benchmarks" / "rows"
    answer = subprocess.run([program], input="roofline\n", check=True, capture_output=True, text=True).stdout
    _, copy, triad, fma = map(float, answer.split()[1:5])
    return max(copy, triad), fma


def drawing(points, bandwidth, peak):
    x_range, y_range = (1 / 16, 1024), (1, 10 ** math.ceil(math.log10(2 * peak)))

    def x(value):
        low, high = map(math.log, x_range)
        return LEFT + (math.log(value) - low) / (high - low) * (WIDTH - LEFT - RIGHT)

    def y(value):
        low, high = map(math.log, y_range)
        return HEIGHT - BOTTOM - (math.log(value) - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    lines = [f'<svg class="roof" xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
             f'aria-label="Roofline of one thread">', f"<style>{STYLE}</style>"]
    for exponent in range(-4, 11, 2):
        at, text = x(2.0 ** exponent), f"{2.0 ** exponent:g}" if exponent >= 0 else f"1/{2 ** -exponent}"
        lines.append(f'<path class="grid" d="M{at:.1f} {TOP}V{HEIGHT - BOTTOM}"/>'
                     f'<text x="{at:.1f}" y="{HEIGHT - BOTTOM + 18}" text-anchor="middle">{text}</text>')
    for exponent in range(round(math.log10(y_range[1])) + 1):
        at = y(10.0 ** exponent)
        lines.append(f'<path class="grid" d="M{LEFT} {at:.1f}H{WIDTH - RIGHT}"/>'
                     f'<text x="{LEFT - 8}" y="{at + 4:.1f}" text-anchor="end">{10 ** exponent}</text>')
    ridge = peak / bandwidth
    lines.append(f'<path class="limit" d="M{x(x_range[0]):.1f} {y(max(y_range[0], bandwidth * x_range[0])):.1f}'
                 f'L{x(ridge):.1f} {y(peak):.1f}H{WIDTH - RIGHT}"/>')
    lines.append(f'<text x="{WIDTH - RIGHT}" y="{y(peak) - 8:.1f}" text-anchor="end">{peak:.0f} GFLOP/s of FMA</text>'
                 f'<text x="{x(1 / 3):.1f}" y="{y(bandwidth / 3) - 24:.1f}" text-anchor="end">{bandwidth:.0f} GB/s</text>')
    for label, intensity, rate in points:
        end = intensity > 32
        lines.append(f'<circle cx="{x(intensity):.1f}" cy="{y(rate):.1f}" r="4"/><text x="{x(intensity) + (-8 if end else 8):.1f}" '
                     f'y="{y(rate) + 14:.1f}" text-anchor="{"end" if end else "start"}">{label}</text>')
    lines.append(f'<text x="{(LEFT + WIDTH - RIGHT) / 2}" y="{HEIGHT - 10}" text-anchor="middle">'
                 "operations per byte moved</text>"
                 f'<text x="14" y="{HEIGHT / 2}" text-anchor="middle" transform="rotate(-90 14 {HEIGHT / 2})">GFLOP/s</text></svg>')
    return "\n".join(lines) + "\n"


def main():
    build.configure(build.FOLDER, "-DEVENKEEL_BUILD_BENCHMARKS=ON")
    build.build(build.FOLDER, "rows", "kernels")
    (build.ROOT / "docs" / "roofline.svg").write_text(drawing(measured(), *roof()))


if __name__ == "__main__":
    main()
