"""Takes turns: a few steps of one side, then of the next, round after round, on the same row."""

import statistics
import subprocess
import time
from dataclasses import dataclass

import torch
import torch._dynamo

import tensors
import torch_side
from table import words_of

PAUSE = 0.02  # seconds, in which the idle threads of the side before go to sleep
# A row goes on while what is asked lies between its quartiles, up to so many times its rounds, whether it reaches that
# or not: where a machine's clock changes by a third within seconds, a few rounds do not decide such a row.
MOST_ROUNDS = 3
OP_TOLERANCE = 2e-5  # of a tensor's largest value
NET_TOLERANCE = 2e-5  # where PyTorch's float32 is not further than that from its float64
# Times the distance of PyTorch's float32, the farther of its eager modes, from its float64: what Conv2dAlgorithm allows
# Winograd's convolution to round more than a direct one.
NET_SHARE = 3.5


class Server:
    """A program that speaks as rows/server.h says."""

    def __init__(self, program):
        self.process = subprocess.Popen([program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *command):
        print(*command, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        if not answer.startswith("ok"):
            raise RuntimeError(f"{' '.join(map(str, command))}: {answer.strip() or 'no answer'}")
        return answer[2:].strip()

    def close(self):
        self.process.stdin.close()
        self.process.wait()


class ServerSide:
    def __init__(self, name, server, row, folder):
        self.name, self.server = name, server
        server.ask("load", folder, row.spec)

    def results(self, folder):
        path = folder / "results.safetensors"
        self.server.ask("check", path)
        return tensors.read(path)

    def times(self, steps):
        return [float(word) for word in self.server.ask("time", steps).split()]


class TorchSide:
    def __init__(self, mode, row, inputs, dtype=torch.float32):
        self.name = mode
        torch.set_default_dtype(dtype)
        self.row = torch_side.make(words_of(row.spec), inputs, mode)
        torch.set_default_dtype(torch.float32)

    def results(self, _):
        return self.row.results()

    def times(self, steps):
        seconds = []
        for _ in range(steps):
            start = time.perf_counter()
            self.row.step()
            seconds.append(time.perf_counter() - start)
        return seconds


@dataclass
class Result:
    row: object
    threads: int
    differs: str = ""
    ours: float = 0.0  # seconds of a step
    theirs: float = 0.0
    mode: str = ""
    ratio: float = 0.0  # median over the rounds of theirs / ours, both of the same round
    ratios: tuple = (0.0, 0.0)  # its quartiles
    quartiles: tuple = (0.0, 0.0)  # of our seconds
    roof: float | None = None  # the seconds that the roofline allows

    @property
    def spread(self):
        """Of our times, between the quartiles, relative to the median."""
        return (self.quartiles[1] - self.quartiles[0]) / self.ours

    @property
    def undecided(self):
        """What is asked lies between the quartiles."""
        if self.row.at_most is not None:
            asked, (low, high) = self.row.at_most * self.row.per_step, self.quartiles
        else:
            asked, (low, high) = self.row.ratio, self.ratios
        return asked is not None and low <= asked <= high


def sides_of(row, threads, servers, folder, compile_too):
    """Ours, then the opponents; and what differs."""
    ours_server, libtorch = servers
    ours_server.ask("threads", threads)
    ours = ServerSide("ours", ours_server, row, folder)
    if row.opponent == "libtorch":
        libtorch.ask("threads", threads)
        return ours, [ServerSide("LibTorch C++", libtorch, row, folder)]
    torch.set_num_threads(threads)
    torch._dynamo.reset()  # what other rows compiled would count against its limit
    inputs = tensors.read(folder / "inputs.safetensors")
    modes = [mode for mode in torch_side.MODES if compile_too or "compile" not in mode]
    if inputs["x"].dim() != 4:
        modes.remove("eager channels_last")
    return ours, [TorchSide(mode, row, inputs) for mode in modes]


def differences(row, ours, others, folder):
    """What differs from PyTorch; opponents that do not work, or differ from it, leave."""
    own, theirs = ours.results(folder), {}
    for side in list(others):
        try:
            theirs[side.name] = side.results(folder)  # once: a step of training changes the net
        except Exception as error:  # torch.compile may fail in any way
            print(f"  {side.name} does not work: {str(error).splitlines()[0]}")
            others.remove(side)
    expected, tolerance = theirs[others[0].name], OP_TOLERANCE
    if "resnet" in row.spec or "lenet" in row.spec:
        expected, tolerance = in_double(row, folder, theirs)
    others[:] = [side for side in others if not tensors.difference(theirs[side.name], expected, tolerance)]
    return tensors.difference(own, expected, tolerance)


def in_double(row, folder, theirs):
    """PyTorch's results in float64, and how far float32 may be from them. A rounding that turns one ReLU off goes
    through all gradients before it, so there is no one number: the worst gradient of PyTorch's own modes sets the
    measure for all."""
    inputs = {name: value.double() if value.is_floating_point() else value
              for name, value in tensors.read(folder / "inputs.safetensors").items()}
    exact = TorchSide("float64", row, inputs, torch.float64).results(folder)
    eager = [results for mode, results in theirs.items() if mode.startswith("eager")]
    errors = {name: max(tensors.relative_error(each[name], exact[name]) for each in eager) for name in exact}
    gradients = ("grad.", "layer.")  # and what a step of SGD makes of them
    worst = max((error for name, error in errors.items() if name.startswith(gradients)), default=0)
    return exact, {name: max(NET_TOLERANCE, NET_SHARE * (worst if name.startswith(gradients) else error))
                   for name, error in errors.items()}


def quartiles(values):
    return statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else values * 3


def run(row, threads, servers, folder, rounds, turn_seconds, compile_too):
    ours, others = sides_of(row, threads, servers, folder, compile_too)
    result = Result(row, threads)
    result.differs = differences(row, ours, others, folder)
    if result.differs:
        return result
    sides = [ours, *others]
    steps = {side.name: steps_of_turn(side, turn_seconds) for side in sides}
    times = {side.name: [] for side in sides}
    for done in range(1, MOST_ROUNDS * rounds + 1):
        for side in sides:
            time.sleep(PAUSE)
            times[side.name].append(statistics.median(side.times(steps[side.name] + 1)[1:]))
        if done % rounds == 0:
            summarize(result, times)
            if not result.undecided:
                break
    return result


def steps_of_turn(side, seconds):
    side.times(1)
    return max(2, min(1000, round(seconds / statistics.median(side.times(3)))))


def summarize(result, times):
    """`times` are the seconds of each side, round by round. The opponent is the mode with the least ratio."""
    ours = times["ours"]
    ratios = {name: quartiles([their / our for their, our in zip(theirs, ours)])
              for name, theirs in times.items() if name != "ours"}
    result.mode = min(ratios, key=lambda name: ratios[name][1])
    low, result.ratio, high = ratios[result.mode]
    result.ratios = (low, high)
    result.theirs = statistics.median(times[result.mode])
    low, result.ours, high = quartiles(ours)
    result.quartiles = (low, high)
