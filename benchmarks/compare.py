#!/usr/bin/env python3
"""Ours against PyTorch: builds ours, runs both in turns on the same data, writes a table.

    python benchmarks/compare.py [--rows REGEX] [--threads 1,2] [--quick] [--out FILE]

Where this Python has no torch, it makes a virtual environment under build/ and installs it there. A row whose
results differ between the two is not timed.
"""

import argparse
import re
import sys
import tempfile
from pathlib import Path

import build
import opponent


def parse_arguments():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", default="", metavar="REGEX", help="only rows whose name matches; no other tables")
    parser.add_argument("--threads", default="1,2", help="as in 1,2")
    parser.add_argument("--quick", action="store_true", help="few rounds, no torch.compile, no clean build")
    parser.add_argument("--no-compile", action="store_true", help="leave out torch.compile")
    parser.add_argument("--rounds", type=int, help="turns of each side: 11, or 3 with --quick")
    parser.add_argument("--cmake", action="append", default=[], metavar="OPTION",
                        help="for our build, such as -DCMAKE_CXX_FLAGS=-march=x86-64-v3")
    parser.add_argument("--out", type=Path, default=build.ROOT / "benchmarks" / "RESULTS.md")
    return parser.parse_args()


def run_rows(arguments, servers, folder, roofs):
    """The results by table."""
    import contest
    import report
    import roof
    from table import TABLES

    rounds = arguments.rounds or (3 if arguments.quick else 11)
    turn = 0.02 if arguments.quick else 0.1
    compile_too = not (arguments.quick or arguments.no_compile)
    found = {}
    for title, rows in TABLES.items():
        for row in rows():
            if not re.search(arguments.rows, row.name) or (row.opponent == "libtorch" and servers[1] is None):
                continue
            for threads in map(int, arguments.threads.split(",")):
                result = contest.run(row, threads, servers, folder, rounds, turn, compile_too)
                result.roof = roof.seconds(row, roofs[threads], folder) if threads in roofs else None
                print(report.row_line(result), flush=True)
                found.setdefault(title, []).append(result)
    return found


def read_roofs(server):
    numbers = [float(word) for word in server.ask("roofline").split()]
    return [numbers[i:i + 4] for i in range(0, len(numbers), 4)]


def main():
    arguments = parse_arguments()
    opponent.ensure(build.ROOT / "build" / "benchmarks-venv")
    import torch

    import accuracy
    import overheads
    import processes
    import report
    from contest import Server

    torch_package = Path(torch.__file__).parent
    rows_program, libtorch_program = build.programs(torch_package, arguments.cmake)
    ours = Server(rows_program)
    libtorch = Server(libtorch_program) if libtorch_program else None
    versions = {"machine": report.machine(), "ours": f"{ours.ask('build')}, commit {report.commit()}",
                "PyTorch": f"{torch.__version__}, {torch.backends.cpu.get_cpu_capability()}"}
    with tempfile.TemporaryDirectory() as folder:
        folder = Path(folder)
        roofs = read_roofs(ours)
        found = run_rows(arguments, (ours, libtorch), folder, {int(threads): rest for threads, *rest in roofs})
        all_results = [result for results in found.values() for result in results]
        sections = [("Roofline", report.roofline(roofs))]
        sections += [(title, report.rows(results)) for title, results in found.items()]
        sections.append(("Threads", report.scaling(all_results, roofs)))
        if not arguments.rows:
            sections.append(("Fresh processes", processes.table(rows_program, folder, 3 if arguments.quick else 9)))
            sections.append(("Accuracy of conv2d, against float64", accuracy.table(ours, folder)))
            if not arguments.quick:
                sections.append(("Overheads", overheads.table(torch_package)))
    report.write(arguments.out, " ".join(["python", "benchmarks/compare.py", *sys.argv[1:]]), versions,
                 [("Summary", report.summary(all_results)), *sections])


if __name__ == "__main__":
    main()
