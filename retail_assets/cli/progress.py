"""How far a run is: a bar in a terminal, lines where output goes to a file or a log."""

import os
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

# Between a step's start and its end: a line at most so often.
SECONDS_BETWEEN_LINES = 1.0


class Display(Protocol):
    """What is told of a run while it goes on."""

    def started(self, step: str) -> None:
        """A step begins."""

    def at(self, step: str, what: str) -> None:
        """Something of the step goes on."""

    def done(self, step: str, what: str) -> None:
        """An asset of the step is there, or a check of it is made."""

    def ended(self, step: str, how: str) -> None:
        """A step is over: `done`, `failed`, ..."""


@contextmanager
def progress(console: Console, parts: Mapping[str, int]) -> Iterator[Display]:
    """Tell of a run on a console; `parts` are the assets and checks of each step."""
    if not console.is_terminal:
        yield Lines(console, parts)
        return
    columns = (
        TextColumn("[progress.description]{task.description:<48}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    # While a step runs, Dagster leads the output into files: a bar that went with it would not be seen.
    with os.fdopen(os.dup(console.file.fileno()), "w", encoding=console.encoding) as terminal:
        kept = Console(file=terminal, force_terminal=True, width=console.width)
        with Progress(*columns, console=kept) as bar:
            yield Bar(bar, sum(parts.values()))


class Bar:
    """One bar for all that a run makes."""

    def __init__(self, bar: Progress, total: int):
        self._bar = bar
        self._task = bar.add_task("starting", total=total)

    def started(self, step: str) -> None:
        self._bar.update(self._task, description=escape(step))

    def at(self, step: str, what: str) -> None:
        self._bar.update(self._task, description=escape(f"{step}: {what}"))

    def done(self, step: str, what: str) -> None:
        self._bar.update(self._task, advance=1, description=escape(what))

    def ended(self, step: str, how: str) -> None:
        return


class Lines:
    """A line where a step starts and where it ends, and in between how far it is."""

    def __init__(
        self, console: Console, parts: Mapping[str, int], clock: Callable[[], float] = time.monotonic
    ):
        self._console = console
        self._parts = parts
        self._clock = clock
        self._done = dict.fromkeys(parts, 0)
        self._since: dict[str, float] = {}
        self._last = clock()

    def started(self, step: str) -> None:
        self._since[step] = self._clock()
        self._say(f"{step}: started")

    def at(self, step: str, what: str) -> None:
        if self._clock() - self._last >= SECONDS_BETWEEN_LINES:
            self._say(f"{step}: {what}")

    def done(self, step: str, what: str) -> None:
        self._done[step] = self._done.get(step, 0) + 1
        if self._clock() - self._last >= SECONDS_BETWEEN_LINES:
            self._say(f"{step}: {self._done[step]} of {self._parts.get(step, 0)}, {what}")

    def ended(self, step: str, how: str) -> None:
        seconds = self._clock() - self._since.get(step, self._clock())
        self._say(f"{step}: {how}, {seconds:.1f} s")

    def _say(self, line: str) -> None:
        self._last = self._clock()
        self._console.print(line, markup=False, highlight=False, soft_wrap=True)
