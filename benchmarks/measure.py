"""Running processes one after the other, and what they took."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

REPOSITORY = Path(__file__).resolve().parents[1]

# Variables of the one who measures that would change what is measured.
_FOREIGN = ("RETAIL_", "DAGSTER_", "DBT_", "DLT_", "PYTHONDONTWRITEBYTECODE", "PYTHONUNBUFFERED")


class BenchmarkError(Exception):
    """A measured process failed; the message ends with what it said."""


@dataclass(frozen=True)
class Usage:
    """What one process took, or several one after the other."""

    seconds: float
    peak_bytes: int  # of the largest process
    cpu_seconds: float = 0

    def __add__(self, other: "Usage") -> "Usage":
        return Usage(
            self.seconds + other.seconds,
            max(self.peak_bytes, other.peak_bytes),
            self.cpu_seconds + other.cpu_seconds,
        )

    @property
    def of_cpu(self) -> "Usage":
        """The same by CPU seconds, where time is spent waiting for somebody else."""
        return Usage(self.cpu_seconds, self.peak_bytes, self.cpu_seconds)


@dataclass(frozen=True)
class Comparison:
    """Medians of a subject and one baseline. The ratio is the median of the pairs' ratios."""

    subject: Usage
    baseline: Usage
    ratio: float
    pairs: int


Measured = Callable[[], Usage]


def run(command: Sequence[str], environment: Mapping[str, str]) -> Usage:
    """Run a command to its end. Raises `BenchmarkError` if it fails."""
    os.sync()
    started = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=_environment(environment),
        cwd=REPOSITORY,
    )
    assert process.stdout
    said = process.stdout.read()
    # Also counts the processes that the child started and waited for.
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.perf_counter() - started
    process.stdout.close()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        tail = "\n".join(said.decode(errors="replace").splitlines()[-30:])
        raise BenchmarkError(f"{' '.join(command)} ended with {process.returncode}:\n{tail}")
    return Usage(seconds, usage.ru_maxrss * 1024, usage.ru_utime + usage.ru_stime)


def python(*arguments: str, environment: Mapping[str, str]) -> Usage:
    """Run this Python with arguments."""
    return run([sys.executable, *arguments], environment)


def work(name: str, *arguments: str, environment: Mapping[str, str]) -> Usage:
    """Run a function of `benchmarks.work` as a process."""
    return python("-m", "benchmarks.work", name, *arguments, environment=environment)


def alternate(*measured: Measured, rounds: int) -> list[list[Usage]]:
    """Measure each in turn, in some rounds; the list of each one's usages."""
    turns = [[one() for one in measured] for _ in range(rounds)]
    return [list(usages) for usages in zip(*turns, strict=True)]


def compare(subject: Sequence[Usage], baseline: Sequence[Usage]) -> Comparison:
    """What was measured in alternation; a baseline may have been measured less often."""
    pairs = list(zip(subject, baseline, strict=False))
    ratio = median(one.seconds / other.seconds for one, other in pairs)
    return Comparison(_median(subject), _median(baseline), ratio, len(pairs))


def _median(usages: Sequence[Usage]) -> Usage:
    peak = max(usage.peak_bytes for usage in usages)
    return Usage(median(usage.seconds for usage in usages), peak)


def _environment(additions: Mapping[str, str]) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    return {**kept, "DO_NOT_TRACK": "1", **additions}
